/** Enter, work, leave: what every activity of a job does around its own work. */
import { Context } from "@temporalio/activity";
import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import type { JobContext } from "../contract/publish.ts";
import { AppError } from "../src/errors.ts";
import type { JobRow } from "../src/jobs/job-store.ts";
import type { ProgressMirror } from "../src/jobs/progress-mirror.ts";
import type { Attempt, Entered, Grip, ProtocolDeps } from "../src/jobs/protocol/attempt.ts";
import { enterStep } from "../src/jobs/protocol/enter-step.ts";
import { leaveStep, logEntry } from "../src/jobs/protocol/ledger-writes.ts";
import { toFailure } from "./failures.ts";
import { createReporter, type HeartbeatDetails, type Reporter } from "./report-progress.ts";

export interface ActivityDeps extends ProtocolDeps {
  mirror: ProgressMirror;
}

/** What the work of a step is given. */
export interface StepTools {
  row: JobRow;
  grip: Grip;
  /** Aborts when the job is cancelled, terminated or reset, and when the worker shuts down. */
  signal: AbortSignal;
  report: Reporter["report"];
  /** One durable log entry. */
  log(message: string, level?: "info" | "warn" | "error"): Promise<void>;
  /** What the last attempt of this activity passed to `report` as `resume`, or undefined. */
  resume: unknown;
}

/** The attempt that this activity is, in the protocol's words. */
export function attemptOf(context: Context, job: JobContext): Attempt {
  const { workflowExecution, currentAttemptScheduledTimestampMs } = context.info;
  if (!workflowExecution) throw new Error("activities of jobs are started by workflows only");
  return {
    job_id: job.job_id,
    generation: job.generation,
    run_id: workflowExecution.runId,
    attempt_at: currentAttemptScheduledTimestampMs,
    reset: workflowExecution.runId !== job.first_run_id,
  };
}

/** Throws for all but `entered`: `job_ended` ends the workflow, `superseded` is retried by whoever is live. */
export function requireEntered(job: JobContext, entered: Entered, environment?: string): { grip: Grip; row: JobRow } {
  if (entered.kind === "entered") return entered;
  if (entered.kind === "guard_lost") throw new AppError("guard_lost", { holder: entered.holder, environment });
  if (entered.kind === "end") throw new AppError("job_ended", { job: job.job_id, status: entered.status });
  throw new AppError("superseded", { job: job.job_id });
}

/**
 * Runs the work of one step between `enterStep` and `leaveStep`. The step counts as done once its log entry is committed, so an
 * activity that dies right after it does its step again, which is harmless.
 */
export async function inStep<T>(
  deps: ActivityDeps,
  job: JobContext,
  step: { name: string; begins: string },
  work: (tools: StepTools) => Promise<{ result: T; message: string }>,
): Promise<T> {
  return guarded(async (context) => {
    const entered = await enterStep(deps, attemptOf(context, job), { step: step.name, message: step.begins });
    const { grip, row } = requireEntered(job, entered);
    return beating(deps, context, { grip, row, step: step.name }, async (tools) => {
      const { result, message } = await work(tools);
      await leaveStep(deps, grip, step.name, message);
      return result;
    });
  });
}

/** Heartbeats and mirrors while `work` runs. */
export async function beating<T>(
  deps: ActivityDeps,
  context: Context,
  on: { grip: Grip; row: JobRow; step: string },
  work: (tools: StepTools) => Promise<T>,
): Promise<T> {
  const last = context.info.heartbeatDetails as HeartbeatDetails | undefined;
  const resume = last?.step === on.step ? last.resume : undefined;
  const reporter = createReporter({ context, mirror: deps.mirror, ...on, resume });
  try {
    return await work({
      row: on.row,
      grip: on.grip,
      signal: context.cancellationSignal,
      report: reporter.report,
      log: (message, level = "info") => logEntry(deps, on.grip, { level, message, step: on.step }),
      resume,
    });
  } finally {
    reporter.stop();
  }
}

/** Maps what is thrown to Temporal's failures; an abort becomes the cancellation that caused it. */
export async function guarded<T>(work: (context: Context) => Promise<T>): Promise<T> {
  const context = Context.current();
  try {
    return await work(context);
  } catch (error) {
    if (context.cancellationSignal.aborted && !(error instanceof AppError)) throw interruption(context, error);
    throw toFailure(error, context.info.attempt);
  }
}

/**
 * What interrupted the work, in Temporal's words: the abort may have surfaced as any stream's error. A worker that shuts down
 * fails the attempt, retryable: nobody asked for the job to be cancelled.
 */
function interruption(context: Context, error: unknown): unknown {
  const reason: unknown = context.cancellationSignal.reason;
  if (!(reason instanceof CancelledFailure)) return error;
  if (reason.message !== "WORKER_SHUTDOWN") return reason;
  return ApplicationFailure.retryable("The worker shuts down; the next one resumes this step.", "worker_shutdown");
}
