/** What goes on beside an activity's work: heartbeats, progress, and what interrupts it. */
import type { Context } from "@temporalio/activity";
import { reasonOf, type AppError } from "../src/errors.ts";
import { inTime } from "../src/in-time.ts";
import { noteActivityReset } from "../src/jobs/attention/interruptions.ts";
import { writeSize } from "../src/jobs/eta/eta-store.ts";
import type { JobRow } from "../src/jobs/job-store.ts";
import type { Grip } from "../src/jobs/protocol/attempt.ts";
import { noteCancelStage } from "../src/jobs/protocol/cancel-stages.ts";
import { logEntry, noteTrouble } from "../src/jobs/protocol/ledger-writes.ts";
import { reconcileJob } from "../src/jobs/protocol/reconcile.ts";
import type { ActivityDeps } from "./activity-deps.ts";
import { pauseOf, troubleOf } from "./failures.ts";
import { neverFailing } from "./never-failing.ts";
import { createReporter, type HeartbeatDetails, type Reporter } from "./report-progress.ts";

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
