/** Enter, work, leave: what every activity of a job does around its own work. */
import { Context } from "@temporalio/activity";
import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import type { JobContext, StepInput } from "../contract/job-input.ts";
import { isThrottled } from "../contract/permits.ts";
import type { Config } from "../src/config.ts";
import type { Retention } from "../src/maintenance/tasks.ts";
import { AppError, reasonOf } from "../src/errors.ts";
import { inTime } from "../src/in-time.ts";
import { noteActivityReset, noteGoesOn } from "../src/jobs/attention/interruptions.ts";
import { writeSize } from "../src/jobs/eta/eta-store.ts";
import type { JobRow } from "../src/jobs/job-store.ts";
import { askForPermit } from "../src/jobs/permits/ask-for-permit.ts";
import type { ProgressMirror } from "../src/jobs/progress-mirror.ts";
import type { Attempt, Grip, ProtocolDeps } from "../src/jobs/protocol/attempt.ts";
import { noteCancelStage } from "../src/jobs/protocol/cancel-stages.ts";
import { enterStep } from "../src/jobs/protocol/enter-step.ts";
import type { StepEntry } from "../src/jobs/protocol/entered.ts";
import { finishJob, type Done } from "../src/jobs/protocol/finish.ts";
import { reconcileJob } from "../src/jobs/protocol/reconcile.ts";
import { leaveStep, logEntry, noteTrouble } from "../src/jobs/protocol/ledger-writes.ts";
import type { PictureSettings } from "../src/tiles/cut/picture-settings.ts";
import { pauseOf, toFailure, troubleOf } from "./failures.ts";
import { createReporter, type HeartbeatDetails, type Reporter } from "./report-progress.ts";

export interface ActivityDeps extends ProtocolDeps {
  config: Config;
  mirror: ProgressMirror;
  pictures: PictureSettings;
  /** How clients reach the gateway: what documents print. */
  publicUrl?: string;
  /** What maintenance goes by; `KEEP_ALL` by default. */
  retention?: Retention;
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
  /** Notes what there is to do in all, in the type's own unit (rows, tiles, bytes): by it past runs are compared with this one. */
  size(units: number): Promise<void>;
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
      const { result, message, revision = revisionOf(row, input, result) } = await work(tools);
      await leaveStep(deps, grip, step.name, message, revision === undefined ? undefined : { revision, result });
      deps.mirror.forget(grip);
      return result;
    });
  });
}

/** Of the draft that the step worked on: as it was validated, or as validating has just found it; 0 where there is none. */
function revisionOf(
  row: JobRow,
  { validated }: { validated?: { revision: number } },
  result: unknown,
): number | undefined {
  if (row.version_id === null) return 0;
  return validated?.revision ?? (result as { revision?: number } | undefined)?.revision;
}

/**
 * The same for a job's last step, which writes the final state instead of leaving: the job is done once its work is. `work` answers what
 * the job ends with; partially completed, where things were left out.
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
      const done = await work(tools);
      await finishJob(deps, grip, done);
      deps.mirror.forget(grip);
      return done.result;
    });
  });
}

/** Heartbeats and mirrors while `work` runs; what it fails with, and is tried again for, is told in the job. */
export async function beating<T>(
  deps: ActivityDeps,
  context: Context,
  on: { grip: Grip; row: JobRow; step: string },
  work: (tools: StepTools) => Promise<T>,
): Promise<T> {
  const last = context.info.heartbeatDetails as HeartbeatDetails | undefined;
  const resume = last?.step === on.step ? last.resume : undefined;
  const reporter = createReporter({ context, mirror: deps.mirror, ...on, resume });
  const acknowledged = acknowledgeCancel(deps, context, on.grip);
  try {
    return await work({
      row: on.row,
      grip: on.grip,
      signal: context.cancellationSignal,
      report: reporter.report,
      log: (message, level = "info") => logEntry(deps, on.grip, { level, message, step: on.step }),
      size: (units) => writeSize(deps.database.em.fork(), on.grip, units),
      resume,
    });
  } catch (error) {
    const { aborted, reason } = context.cancellationSignal;
    if (aborted) {
      const { attempt } = context.info;
      deps.log.info(
        { job_id: on.grip.job_id, step: on.step, attempt, reason: reasonOf(reason) },
        "an attempt was interrupted",
      );
      await neverFailing(deps, on.grip, tellInterruption(deps, context, on.grip));
    }
    const trouble = aborted ? null : troubleOf(error);
    if (trouble) await tell(deps, context, on, trouble);
    reporter.beat();
    throw error;
  } finally {
    reporter.stop();
    await acknowledged();
  }
}

/** What stops because of a cancel waits no longer than this for the receipt: without it, `settle` writes it. */
const ACKNOWLEDGE_MS = 1_000;

/** Writes into the receipt that the cancel has arrived, as soon as it has. What is answered waits for that, and never rejects. */
function acknowledgeCancel(deps: ActivityDeps, context: Context, grip: Grip): () => Promise<void> {
  let noted: Promise<void> | undefined;
  const arrived = (): void => {
    // Termination, reset, pause and a worker that shuts down interrupt as well, and are no cancel.
    if (!context.cancellationDetails?.cancelRequested) return;
    noted ??= noteCancelStage(deps, grip, "acknowledged").catch((error: unknown) => {
      deps.log.warn(
        { error, job_id: grip.job_id },
        "that a cancel was seen could not be written; the settling does it",
      );
    });
  };
  const { cancellationSignal: signal } = context;
  if (signal.aborted) arrived();
  else signal.addEventListener("abort", arrived, { once: true });
  return async () => {
    signal.removeEventListener("abort", arrived);
    if (noted) await inTime(noted, ACKNOWLEDGE_MS).catch(() => undefined);
  };
}

/** An interrupted attempt waits no longer than this for what it tells: Temporal waits for its end. */
const TELL_MS = 2_000;

/**
 * What an operator does to an activity is no cancel: the attempt that it interrupts says what it was, and fails, and the next one goes on. An
 * attempt whose number the server does not know any more (`notFound`) was reset if the run still waits for the same activity.
 */
async function tellInterruption(deps: ActivityDeps, { info, cancellationDetails }: Context, grip: Grip): Promise<void> {
  if (!cancellationDetails || !info.workflowExecution) return;
  const { reset, paused, notFound } = cancellationDetails;
  if (reset) return noteActivityReset(deps, grip);
  if (paused) return void (await reconcileJob(deps, grip.job_id));
  if (!notFound || info.attempt === 1) return;
  const { workflowId, runId } = info.workflowExecution;
  const current = await deps.executions.describe(workflowId);
  const waits = current?.open === true && current.run_id === runId && current.activity?.name === info.activityType;
  if (waits && (current.activity?.attempt ?? info.attempt) < info.attempt) await noteActivityReset(deps, grip);
}

async function neverFailing(deps: ActivityDeps, grip: Grip, telling: Promise<void>): Promise<void> {
  await inTime(telling, TELL_MS).catch((error: unknown) => {
    deps.log.warn({ error, job_id: grip.job_id }, "what an operator did to a job could not be written into it");
  });
}

/** Never fails: it must not hide what went wrong, and PostgreSQL may be the very thing that is away. */
async function tell(
  deps: ActivityDeps,
  { info }: Context,
  { grip, row }: { grip: Grip; row: JobRow },
  trouble: AppError,
): Promise<void> {
  const { code, message, action } = trouble;
  const told = { code, message: `${message} ${action}`, step: row.step, pause_ms: pauseOf(trouble, info) };
  await noteTrouble(deps, grip, told).catch((error: unknown) => {
    deps.log.warn({ error, job_id: grip.job_id, code }, "what keeps a job waiting could not be written into it");
  });
}

/** May an activity give up on what nobody foresaw? Not once the publish is past its switch, and never while settling. */
export interface Patience {
  endless: boolean;
}

/** Maps what is thrown to Temporal's failures; an abort becomes the cancellation that caused it. */
export async function guarded<T>(
  work: (context: Context) => Promise<T>,
  patience: Patience = { endless: false },
): Promise<T> {
  const context = Context.current();
  try {
    return await work(context);
  } catch (error) {
    const { aborted, reason } = context.cancellationSignal;
    if (aborted && reason instanceof CancelledFailure && !(error instanceof AppError)) throw interruption(reason);
    throw toFailure(error, patience.endless ? undefined : () => countUnforeseen(context), context.info.attempt);
  }
}

/**
 * What interrupted the work, in Temporal's words: the abort may have surfaced as any stream's error. A worker that shuts down
 * fails the attempt, retryable: nobody asked for the job to be cancelled.
 */
function interruption(reason: CancelledFailure): Error {
  if (reason.message !== "WORKER_SHUTDOWN") return reason;
  return ApplicationFailure.retryable("The worker shuts down; the next one resumes this step.", "worker_shutdown");
}

/** Failures nobody foresaw, by activity, newest last: this worker's own count, so others may add a few tries. */
const unforeseen = new Map<string, number>();
const MAX_COUNTED = 10_000;

function countUnforeseen({ info }: Context): number {
  const activity = `${info.workflowExecution?.runId}/${info.activityId}`;
  const count = (unforeseen.get(activity) ?? 0) + 1;
  unforeseen.delete(activity);
  unforeseen.set(activity, count);
  const [oldest] = unforeseen.keys();
  if (unforeseen.size > MAX_COUNTED && oldest !== undefined) unforeseen.delete(oldest);
  return count;
}
