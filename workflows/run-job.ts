/**
 * What every job's workflow is made of: steps that are told, and an ending. Whatever ends it but its last activity goes through `settle`,
 * which asks the row what has come about; nothing is concluded here from the class of a failure.
 */
import { CancellationScope, CancelledFailure, TemporalFailure, workflowInfo } from "@temporalio/workflow";
import type { JobContext, JobInput, JobTarget } from "../contract/job-input.ts";
import { titleOf } from "../contract/job-title.ts";
import { definitionOf, type JobType } from "../contract/job-types.ts";
import { isThrottled } from "../contract/permits.ts";
import { proxy, SETTLING } from "./activity-options.ts";
import { asFailure, describe, failureOf, factsOf, tellFailureCode } from "./endings.ts";
import { untilPermitted } from "./permit.ts";
import { trackSteps, type StepTracker } from "./steps.ts";

const settling = { settle: proxy("settle", SETTLING) };

/** What the body of a workflow works with. */
export interface Run<Target extends JobTarget = JobTarget> extends Pick<StepTracker, "note"> {
  /** First argument of every activity, with `target`. */
  job: JobContext;
  target: Target;
  /** One step of the type's table: its activity, once; a step that a retry carries over does not run. */
  step: StepTracker["run"];
  /** Options of an activity call: what the Web UI's timeline calls it. */
  summary(what: string): { summary: string };
}

/**
 * Runs `body`, whose last activity writes the job's final state (`inLastStep` of activities/steps.ts) and answers its result. Fails as
 * the row says otherwise.
 */
export async function runJob<Input extends JobInput, Result>(
  type: JobType,
  input: Input,
  body: (run: Run<Pick<Input, keyof JobTarget>>) => Promise<Result>,
): Promise<Result> {
  const { tenant, project, version, environment, segment } = input;
  const first_run_id = workflowInfo().firstExecutionRunId;
  const job = { job_id: input.job_id, generation: input.generation, first_run_id, ...(segment ? { segment } : {}) };
  const target = { tenant, project, version, environment };
  const title = titleOf(type, null, input);
  const summary = (what: string) => ({ summary: `${what} · ${title}` });
  // Steps that a retry carries over need no patch: an input of before has none, and runs every step as it did.
  const steps = trackSteps(definitionOf(type).steps, `${title}, by ${input.started_by}`, { ...input.carried });

  try {
    if (isThrottled(type)) await untilPermitted({ job, target }, { summary: summary("permit"), note: steps.note });
    return await body({ job, target, step: steps.run, summary, note: steps.note });
  } catch (error) {
    // A bug of ours fails the workflow's task, not the job: that is told as stuck, and goes on once the bug is mended.
    if (!(error instanceof TemporalFailure)) throw error;
    // The row has ended, or another run holds it: nothing is left to settle. This run ends as the row says.
    const ended = failureOf(error);
    if (ended?.type === "job_ended") {
      const { status, result } = factsOf<{ status: string; result?: Result }>(ended);
      if ((status === "completed" || status === "partially_completed") && result) return result;
      tellFailureCode(status === "cancelled" ? "cancelled" : "job_ended");
      throw status === "cancelled"
        ? new CancelledFailure("The job was cancelled")
        : asFailure(ended.type, ended.message, error);
    }
    // Never from the failure's class: an attempt that lost its heartbeat while a cancel was requested fails with a timeout.
    const cancelled = CancellationScope.current().consideredCancelled;
    const ending = cancelled
      ? { status: "cancelled" as const, code: "cancelled", message: "The job was cancelled." }
      : { status: "failed" as const, ...describe(error, input.job_id) };
    steps.note(`settling as ${ending.status} (${ending.code})`);
    const outcome = await CancellationScope.nonCancellable(() =>
      settling.settle.executeWithOptions(summary(`settle as ${ending.status}`), [{ job, target, ending }]),
    );
    steps.note(`ended: ${outcome.status}`);
    const isDone = outcome.status === "completed" || outcome.status === "partially_completed";
    if (isDone && outcome.result) return outcome.result as Result;
    const failed = outcome.failure ?? ending;
    const ends = outcome.status === "cancelled" || (cancelled && !outcome.failure) ? "cancelled" : failed.code;
    tellFailureCode(ends);
    throw ends === "cancelled" ? new CancelledFailure("The job was cancelled") : asFailure(ends, failed.message, error);
  }
}
