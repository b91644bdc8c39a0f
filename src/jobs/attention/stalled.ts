/** Jobs without progress for longer than their step's limit. A timer beats in a hung loop too, so heartbeats count for nothing here. */
import { JOB_TYPES, type JobType } from "../../../contract/job-types.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { lockStallChanges, type Stall, type Telling } from "./attention-store.ts";
import { beginning, ending, tellAll } from "./tell-attention.ts";

const STEPS = (Object.keys(JOB_TYPES) as JobType[]).flatMap((job_type) =>
  JOB_TYPES[job_type].steps.map((step) => ({ job_type, ...step })),
);

/** Begins and ends `stalled` in all jobs. Answers how many it told. */
export async function noteStalled(deps: Pick<ProtocolDeps, "database" | "notifier">): Promise<number> {
  return tellAll(deps, (tx, limit) => lockStallChanges(tx, STEPS, limit), stalled);
}

function stalled(row: Stall): Telling | null {
  const { last_activity_at, quiet_seconds, stall_seconds } = row;
  if (quiet_seconds <= stall_seconds) return ending(row);
  const label = row.steps.find(({ name }) => name === row.step)?.label ?? "This step";
  const message =
    `No progress for ${Math.round(quiet_seconds)} s; ${label} is expected to tell of some every ${stall_seconds} s. ` +
    `Look at the worker that runs it; an activity reset in Temporal gives the step to another attempt.`;
  return beginning(row, { code: "stalled", message, since: new Date(last_activity_at).toISOString() });
}
