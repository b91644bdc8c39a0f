/** Samples as they are played: begun, and held in the step in which the most is done. */
import type { StepDefinition } from "../../../contract/job-type-definition.ts";
import { definitionOf } from "../../../contract/job-types.ts";
import { startJob } from "../../../src/jobs/protocol/start.ts";
import type { ChaosRoom } from "../chaos-room.ts";
import { requestCancel } from "../operator.ts";
import type { CommitGate } from "../commit-gate.ts";
import { createDraft, jobRow, SMALL, until, type Draft } from "../publishing.ts";
import { startSample, type JobSample } from "./sample.ts";

export interface Played {
  job: string;
  draft: Draft;
}

/** A job that completes. */
export async function play(room: ChaosRoom, sample: JobSample): Promise<Played> {
  const draft = await createDraft(room, { descriptor: SMALL });
  const payload = await sample.happy(room, draft);
  return { draft, job: await startSample(room, draft, { type: sample.type, payload }) };
}

/** One that fails for good, and its code. */
export async function playFailing(
  room: ChaosRoom,
  { type, failing }: JobSample,
): Promise<(Played & { code: string }) | null> {
  if (!failing) return null;
  const draft = await createDraft(room, { descriptor: SMALL });
  const { payload, code } = await failing(room, draft);
  return { draft, code, job: await startSample(room, draft, { type, payload }) };
}

/** One whose worker stands inside the commit of entering a step, its busy one by default, until the gate is opened. */
export async function playHeld(
  room: ChaosRoom,
  sample: JobSample,
  step = sample.busy,
): Promise<Played & { gate: CommitGate }> {
  const draft = await createDraft(room, { descriptor: SMALL });
  const payload = await sample.happy(room, draft);
  const job = await startSample(room, draft, { type: sample.type, payload, start: false });
  const gate = await room.gates.close({ job_id: job, kind: "step", data: { step, status: "running" } });
  await startJob(room.deps, job, 1);
  await gate.reached();
  return { job, draft, gate };
}

/** One for each step of the type, all of them in the last one, and no worker left. One must run, and does again after `room.worker(WORKER)`. */
export async function playOrphaned(room: ChaosRoom, sample: JobSample): Promise<(StepDefinition & Played)[]> {
  const { steps } = definitionOf(sample.type);
  const held = await Promise.all(
    steps.map(async (step) => ({ ...step, ...(await playHeld(room, sample, steps.at(-1)?.name)) })),
  );
  await room.killWorkers();
  await Promise.all(held.map(({ gate }) => gate.open()));
  return held;
}

/** One that is in its busy step until it is stopped or let go. */
export async function playStalling(
  room: ChaosRoom,
  { type, busy, stalling }: JobSample,
): Promise<(Played & { letGo(): Promise<void> }) | null> {
  if (!stalling) return null;
  const draft = await createDraft(room, { descriptor: SMALL });
  const { payload, letGo, step: in_step = busy } = await stalling(room, draft);
  const job = await startSample(room, draft, { type, payload });
  await until(`${type} to be in ${in_step}`, async () => {
    const { step, steps } = await jobRow(room, job);
    return step === in_step && steps.some(({ name, status }) => name === in_step && status === "running");
  });
  return { job, draft, letGo };
}

/** One that is cancelled in the Web UI before any worker has seen it. No worker may run; one does afterwards. */
export async function playCancelledUnseen(room: ChaosRoom, sample: JobSample): Promise<Played> {
  await room.killWorkers();
  const played = await play(room, sample);
  await requestCancel(room, played.job);
  await room.worker(WORKER);
  return played;
}

/** What workers of samples need to be told. */
export const WORKER = { settings: { PLATEN_FETCH_ALLOW: "127.0.0.0/8" } };
