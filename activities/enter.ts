/** How an activity comes into its job: as which attempt, with what permission. */
import type { Context } from "@temporalio/activity";
import type { JobContext, StepInput } from "../contract/job-input.ts";
import { isThrottled } from "../contract/permits.ts";
import { AppError } from "../src/errors.ts";
import { noteGoesOn } from "../src/jobs/attention/interruptions.ts";
import type { JobRow } from "../src/jobs/job-store.ts";
import { askForPermit } from "../src/jobs/permits/ask-for-permit.ts";
import type { Attempt, Grip } from "../src/jobs/protocol/attempt.ts";
import { enterStep } from "../src/jobs/protocol/enter-step.ts";
import type { StepEntry } from "../src/jobs/protocol/entered.ts";
import type { ActivityDeps } from "./activity-deps.ts";
import { neverFailing } from "./never-failing.ts";

/** The attempt that this activity is, in the protocol's words. */
export function attemptOf(context: Context, job: JobContext): Attempt {
  const { workflowExecution, currentAttemptScheduledTimestampMs } = context.info;
  if (!workflowExecution) throw new Error("activities of jobs are started by workflows only");
  return {
    job_id: job.job_id,
    generation: job.generation,
    run_id: workflowExecution.runId,
    attempt_at: currentAttemptScheduledTimestampMs,
    number: context.info.attempt,
    reset: workflowExecution.runId !== job.first_run_id,
    segment: job.segment ?? 0,
  };
}

/**
 * Enters, or throws: `job_ended` ends the workflow, `superseded` is retried by whoever is live. A run whose job was cancelled
 * before it began asks Temporal to cancel it, so that it ends as what it is.
 */
export async function enter(
  deps: ActivityDeps,
  context: Context,
  input: StepInput,
  entry: StepEntry,
): Promise<{ grip: Grip; row: JobRow }> {
  const attempt = attemptOf(context, input.job);
  const entered = await enterStep(deps, attempt, entry);
  if (entered.kind === "entered") {
    const { grip, row } = entered;
    // Of a step that is many activities each has its own first attempt.
    const again = entered.again && entry.keeps === undefined;
    await neverFailing(deps, grip, noteGoesOn(deps, grip, { row, again, attempt: context.info.attempt }));
    await demandPermit(deps, row);
    return entered;
  }
  const { job_id } = input.job;
  if (entered.kind === "stop") throw new AppError("superseded", { job: job_id });
  if (entered.kind === "guard_lost") {
    throw new AppError("guard_lost", { holder: entered.holder, environment: input.target.environment });
  }
  if (entered.status === "cancelled" && context.info.workflowExecution) {
    await deps.executions.cancel(context.info.workflowExecution.workflowId, attempt.run_id);
  }
  throw new AppError("job_ended", { job: job_id, status: entered.status, result: entered.result });
}

/**
 * A run that began at the first step has its permit by now (`workflows/permit.ts`). One that a reset has made of a job that had ended, or that
 * is older than permits, may not: it works only once it has. Error: permit_pending, tried again.
 */
async function demandPermit(deps: ActivityDeps, { id, job_type }: JobRow): Promise<void> {
  if (!isThrottled(job_type)) return;
  const asked = await askForPermit(deps, id);
  if (asked.kind !== "waits") return;
  const { queue, permits, place } = asked;
  throw new AppError("permit_pending", { job: id, queue, permits, ...place });
}
