/** Jobs without progress for longer than their step's limit. A timer beats in a hung loop too, so heartbeats count for nothing here. */
import { JOB_TYPES, type JobType } from "../../../contract/job-types.ts";
import { readJob } from "../job-store.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { stallChanges } from "./attention-store.ts";
import { beginAttention, endAttention } from "./tell-attention.ts";

/** Jobs per round; the rest comes in the next. */
const BATCH = 200;

const STEPS = (Object.keys(JOB_TYPES) as JobType[]).flatMap((job_type) =>
  JOB_TYPES[job_type].steps.map((step) => ({ job_type, ...step })),
);

/** Begins and ends `stalled` in all jobs. Answers how many it told. */
export async function noteStalled(deps: Pick<ProtocolDeps, "database" | "notifier">): Promise<number> {
  const db = deps.database.em.fork();
  let told = 0;
  for (const { id, last_activity_at, quiet_seconds, stall_seconds } of await stallChanges(db, STEPS, BATCH)) {
    const row = await readJob(db, id);
    if (row?.status !== "running") continue;
    const label = row.steps.find(({ name }) => name === row.step)?.label ?? "This step";
    const message =
      `No progress for ${Math.round(quiet_seconds)} s; ${label} is expected to tell of some every ${stall_seconds} s. ` +
      `Look at the worker that runs it; an activity reset in Temporal gives the step to another attempt.`;
    const since = new Date(last_activity_at).toISOString();
    const done =
      quiet_seconds > stall_seconds
        ? await beginAttention(deps, row, { code: "stalled", message, since })
        : row.attention?.code === "stalled" && (await endAttention(deps, row, "There is progress again."));
    if (done) told += 1;
  }
  return told;
}
