/** Samples as they are played: begun, and held in the step in which the most is done. */
import { startJob } from "../../../src/jobs/protocol/start.ts";
import type { ChaosRoom } from "../chaos-room.ts";
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

/** One whose worker stands inside the commit of entering its busy step until the gate is opened. */
export async function playHeld(room: ChaosRoom, sample: JobSample): Promise<Played & { gate: CommitGate }> {
  const draft = await createDraft(room, { descriptor: SMALL });
  const payload = await sample.happy(room, draft);
  const job = await startSample(room, draft, { type: sample.type, payload, start: false });
  const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: sample.busy, status: "running" } });
  await startJob(room.deps, job, 1);
  await gate.reached();
  return { job, draft, gate };
}

/** One that is in its busy step until it is stopped or let go. */
export async function playStalling(
  room: ChaosRoom,
  { type, busy, stalling }: JobSample,
): Promise<(Played & { letGo(): Promise<void> }) | null> {
  if (!stalling) return null;
  const draft = await createDraft(room, { descriptor: SMALL });
  const { payload, letGo } = await stalling(room, draft);
  const job = await startSample(room, draft, { type, payload });
  await until(`${type} to be in ${busy}`, async () => {
    const { step, steps } = await jobRow(room, job);
    return step === busy && steps.some(({ name, status }) => name === busy && status === "running");
  });
  return { job, draft, letGo };
}
