/** Drives one case: brings a publish to where it is pressed, presses, waits until each way tells it, lets it end, and looks at what is left. */
import { expect } from "vitest";
import { workflowId } from "../../../contract/workflow-id.ts";
import { query } from "../../../src/db.ts";
import { replaceConfig } from "../../../src/projects/content-store.ts";
import { expectNothingPublic, expectReleasedOnce, expectSoundLedger, guardOf } from "../chaos-room.ts";
import { recordPointer } from "../pointer-recorder.ts";
import { createDraft, jobRow, queueJob, until, type Draft } from "../publishing.ts";
import type { RiggedStep } from "../step-stores.ts";
import type { WorkerProcess } from "../worker-process.ts";
import { act, type Subject } from "./acts.ts";
import type { Act, TruthCase } from "./cases.ts";
import { NOTHING_TOLD, says, sentence } from "./told.ts";
import { newPrefix, type Timeouts } from "../rigged-room.ts";
import type { TruthRoom } from "./truth-room.ts";
import { WAYS, watchWays, type Way, type WatchedWays } from "./watch-ways.ts";

export interface ToldAct {
  act: Act["act"];
  /** From the press until it was told; null when it never was. */
  seconds: Record<Way, number | null>;
  /** What was told, or the last that was told instead. */
  sentences: Record<Way, string>;
}

export interface CaseOutcome {
  told: ToldAct[];
  /** What is not as it must be; empty when all is well. */
  faults: string[];
}

const NEVER_TOLD: Omit<ToldAct, "act"> = {
  seconds: { row: null, stream: null, cli: null },
  sentences: { row: "nothing before", stream: "nothing before", cli: "nothing before" },
};
/** Longer than any goal: what is told too late is told how late. */
const PATIENCE_MS = 40_000;
const END_MS = 90_000;
/** Long enough to come to the held step on a busy machine. */
const TIMEOUT_MS = 10_000;
const LOOK_MS = 25;

export async function runCase(room: TruthRoom, each: TruthCase): Promise<CaseOutcome> {
  const { subject, draft, held, recorder } = await prepare(room, each);
  const { job } = subject;
  const watched = await watchWays({ id: job, project: draft.project }, room);
  const outcome: CaseOutcome = { told: [], faults: [] };
  const check = async (what: string, look: () => Promise<unknown>): Promise<void> => {
    await look().catch((error: unknown) => outcome.faults.push(`${what}: ${(error as Error).message}`));
  };
  try {
    for (const one of each.acts) {
      const pressed = await act(subject, one.act);
      if (one.release && held) await room.rigs.release(draft.project, held);
      // Where nothing was told of the act before, that nothing is told says nothing.
      const silent = Object.values(outcome.told.at(-1)?.seconds ?? {}).includes(null);
      const told = silent ? NEVER_TOLD : await untilTold(watched, one, pressed);
      outcome.told.push({ act: one.act, ...told });
      const late = WAYS.filter((way) => told.seconds[way] === null).map((way) => `${way} says ${told.sentences[way]}`);
      if (late.length > 0) outcome.faults.push(`${one.act} is not told: ${late.join("; ")}`);
    }
    if (held) await room.rigs.release(draft.project, held);
    if (each.forgotten) await room.startWorker();
    const { status, generation, code = null, endings } = each.end;
    await check("its end", () =>
      until(
        `${status}, generation ${generation}, not ${sentence(watched.moments.row.at(-1)?.told ?? NOTHING_TOLD)}`,
        async () => {
          const row = await jobRow(room, job);
          return row.status === status && row.generation === generation && row.error_code === code;
        },
        END_MS,
      ),
    );
    await check("the workflow", () => untilHistoryAgrees(subject, status));
    await check("the stream's end", async () => {
      const name = status === "completed" ? "job-complete" : `job-${status}`;
      await until(`${name}, not ${watched.events.at(-1)}`, async () => watched.events.at(-1) === name);
    });
    await check("the ledger", () => expectSoundLedger(room, job, [...endings]));
    if (status === "completed") await check("the release", () => expectReleasedOnce(room, draft, [job]));
    if (!each.guardTaken) await check("the guard", async () => expect(await guardOf(room, draft)).toBeNull());
    if (status !== "completed" && !each.guardTaken)
      await check("what is public", () => expectNothingPublic(room, draft, recorder));
    if (status === "completed") await check("the pointer", async () => expect(await recorder.served()).toEqual([1]));
  } finally {
    await watched.stop();
    recorder.stop();
    await subject.worker?.kill();
  }
  return outcome;
}

async function prepare(room: TruthRoom, each: TruthCase) {
  const draft = await createDraft(room, each.at === "failed" ? { config: null } : {});
  const recorder = recordPointer(room.storeFolder, "dev", draft.project);
  const prefix = each.ownWorker ? newPrefix() : room.config.PLATEN_TASK_QUEUE_PREFIX;
  const worker: WorkerProcess | null = each.ownWorker ? await room.worker(prefix) : null;
  const job = await queueJob(room, draft);
  const held: RiggedStep | null = each.at === "upload" || each.at === "mark_published" ? each.at : null;
  if (held) await room.rigs.hold(draft.project, held);
  await room.start(job, { prefix, timeouts: timeoutsOf(each) });
  const activity = each.at === "mark_published" ? "markPublished" : "upload";
  const subject: Subject = { room, job, activity, prefix, worker, by: each.by };
  if (held) await room.rigs.reached(draft.project, held);
  else await until(`${job} to end`, async () => (await jobRow(room, job)).status === each.at, END_MS);
  if (each.at === "failed") await untilHistoryAgrees(subject, "failed");
  if (each.at === "mark_published") expect((await jobRow(room, job)).switched_at).not.toBeNull();
  // What was wrong with it is mended: it ends completed when it is tried again.
  if (each.at === "failed") await replaceConfig(room.database.em.fork(), draft, { title: "Town" });
  if (each.guardTaken) await takeGuard(room, draft);
  if (each.forgotten) await forget(subject);
  return { subject, draft, held, recorder };
}

function timeoutsOf({ acts }: TruthCase): Timeouts {
  const names = acts.map(({ act: name }) => name);
  return {
    ...(names.includes("execution timeout") ? { workflowExecutionTimeout: TIMEOUT_MS } : {}),
    ...(names.includes("run timeout") ? { workflowRunTimeout: TIMEOUT_MS } : {}),
  };
}

/** It stays in its upload for good. */
async function takeGuard(room: TruthRoom, draft: Draft): Promise<void> {
  await room.rigs.hold(draft.project, "upload");
  const version = await createDraft(room, { project: draft });
  await room.start(await queueJob(room, version));
}

/** It ended an hour ago, and no worker runs on the installation's queue. */
async function forget({ room, job }: Subject): Promise<void> {
  await room.stopWorker();
  const sql = `update jobs set completed_at = completed_at - interval '1 hour', updated_at = updated_at - interval '1 hour' where id = $1`;
  await query(room.database.em.fork(), sql, [job]);
}

async function untilTold(
  { moments }: WatchedWays,
  { told, row = told }: Act,
  pressed: number,
): Promise<Omit<ToldAct, "act">> {
  const end = pressed + PATIENCE_MS;
  const seconds: Record<Way, number | null> = { row: null, stream: null, cli: null };
  const sentences: Record<Way, string> = { row: "", stream: "", cli: "" };
  const look = (way: Way): boolean => {
    const wanted = way === "row" ? row : told;
    // What was told before the press counts from the press on, if it is still true.
    const current = moments[way].findLastIndex(({ at }) => at <= pressed);
    const found = moments[way].slice(Math.max(0, current)).find((moment) => says(moment.told, wanted));
    sentences[way] = sentence((found ?? moments[way].at(-1))?.told ?? NOTHING_TOLD);
    seconds[way] = found ? Math.max(0, found.at - pressed) / 1_000 : null;
    return found !== undefined;
  };
  while (WAYS.map(look).includes(false) && Date.now() < end) await new Promise((next) => setTimeout(next, LOOK_MS));
  return { seconds, sentences };
}

/** What Temporal may call a run whose job ended so. A switched job is completed whatever became of its run. */
const STATUS_IN_TEMPORAL = {
  completed: ["COMPLETED", "CANCELLED", "TERMINATED", "TIMED_OUT", "deleted"],
  cancelled: ["CANCELLED", "TERMINATED"],
  failed: ["FAILED", "TIMED_OUT", "deleted"],
  partially_completed: [] as string[],
};

async function untilHistoryAgrees({ room, job }: Subject, status: keyof typeof STATUS_IN_TEMPORAL): Promise<void> {
  const handle = room.temporal.client.workflow.getHandle(workflowId("publish", job));
  let found = "";
  const agrees = async (): Promise<boolean> => {
    const { name, runId } = await handle.describe().then(
      (described) => ({ name: described.status.name as string, runId: described.runId }),
      () => ({ name: "deleted", runId: null }),
    );
    found = name;
    return STATUS_IN_TEMPORAL[status].includes(name) && (runId === null || runId === (await jobRow(room, job)).run_id);
  };
  await until(`Temporal to agree with ${status}`, agrees).catch((error: Error) => {
    throw new Error(`${error.message}; it says ${found}`);
  });
}
