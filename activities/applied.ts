/**
 * A job that changes a draft does it once for life. What it did is kept in the very commit that did it, and a later generation answers that:
 * an operator may reset what has ended, at any step, and people have edited the draft since.
 */
import type { Done } from "../src/jobs/protocol/finish.ts";
import type { JobRow } from "../src/jobs/job-store.ts";
import type { StepYield } from "../src/jobs/job-writes-store.ts";
import { findKeptStep } from "../src/jobs/step-results-store.ts";
import type { ActivityDeps } from "./activity-deps.ts";

/** What it is kept under: no step of any type has that name. */
const APPLIED = "applied";

export interface Applied {
  ending: Done;
  /** What the steps before the last had yielded, by name: a run that is reset to one of them need not find its source again. */
  yielded: Record<string, unknown>;
}

/** For `writeDone`, in the transaction that changes the draft. */
export const keptAs = (ending: Done, yielded: Applied["yielded"] = {}): StepYield => ({
  ...{ step: APPLIED, revision: 0 },
  result: { ending, yielded } satisfies Applied,
});

/** Null for a job that has not changed its draft yet; in its first generation it has ended with that, and no attempt enters any more. */
export async function findApplied(
  { database }: Pick<ActivityDeps, "database">,
  { id, generation }: Pick<JobRow, "id" | "generation">,
): Promise<Applied | null> {
  if (generation === 1) return null;
  return (await findKeptStep(database.em.fork(), { job_id: id, step: APPLIED })) as Applied | null;
}
