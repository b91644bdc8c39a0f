/** Enter, work, leave: what every activity of a job does around its own work. */
import type { StepInput } from "../contract/job-input.ts";
import type { JobRow } from "../src/jobs/job-store.ts";
import { finishJob, type Done } from "../src/jobs/protocol/finish.ts";
import { leaveStep } from "../src/jobs/protocol/ledger-writes.ts";
import { isIndependent } from "../src/jobs/protocol/retry-plan.ts";
import type { ActivityDeps } from "./activity-deps.ts";
import { findApplied } from "./applied.ts";
import { beating, type StepTools } from "./beating.ts";
import { enter } from "./enter.ts";
import { guarded } from "./guarded.ts";

/**
 * Runs the work of one step between `enterStep` and `leaveStep`. The step counts as done once its log entry is committed, so an
 * activity that dies right after it does its step again, which is harmless.
 */
export async function inStep<T>(
  deps: ActivityDeps,
  input: StepInput & { validated?: { revision: number } },
  step: { name: string; begins: string },
  work: (tools: StepTools) => Promise<{ result: T; message: string; revision?: number }>,
): Promise<T> {
  return guarded(async (context) => {
    const { grip, row } = await enter(deps, context, input, { step: step.name, message: step.begins });
    return beating(deps, context, { grip, row, step: step.name }, async (tools) => {
      const before = (await findApplied(deps, row))?.yielded[step.name];
      if (before !== undefined) {
        await leaveStep(deps, grip, step.name, "The job has changed its draft before: this step has nothing to do");
        deps.mirror.forget(grip);
        return before as T;
      }
      const { result, message, revision = revisionOf(row, step.name, input, result) } = await work(tools);
      await leaveStep(deps, grip, step.name, message, revision === undefined ? undefined : { revision, result });
      deps.mirror.forget(grip);
      return result;
    });
  });
}

/** Of the draft that the step worked on: as it was validated, or as validating has just found it; 0 where it worked on none. */
function revisionOf(
  row: JobRow,
  step: string,
  { validated }: { validated?: { revision: number } },
  result: unknown,
): number | undefined {
  if (row.version_id === null || isIndependent(row, step)) return 0;
  return validated?.revision ?? (result as { revision?: number } | undefined)?.revision;
}

/**
 * The same for a job's last step, which writes the final state instead of leaving: the job is done once its work is. `work` answers what
 * the job ends with; partially completed, where things were left out. A job that has changed its draft before ends as it did then.
 */
export async function inLastStep<Result extends object>(
  deps: ActivityDeps,
  input: StepInput,
  step: { name: string; begins: string },
  work: (tools: StepTools) => Promise<Omit<Done, "result"> & { result: Result }>,
): Promise<Result> {
  return guarded(async (context) => {
    const { grip, row } = await enter(deps, context, input, { step: step.name, message: step.begins });
    return beating(deps, context, { grip, row, step: step.name }, async (tools) => {
      const before = (await findApplied(deps, row))?.ending as Awaited<ReturnType<typeof work>> | undefined;
      const done = before ?? (await work(tools));
      await finishJob(deps, grip, done);
      deps.mirror.forget(grip);
      return done.result;
    });
  });
}
