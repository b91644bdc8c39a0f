/** How a closed run ended, in the job's words: for the reconciler, where no code of ours has told it. */
import type { CancellationStage } from "../../../contract/cancellation.ts";
import type { FailureCode } from "../../../contract/failures.ts";
import { AppError } from "../../errors.ts";
import type { Closing, Execution } from "../../temporal.ts";
import type { JobPatch, JobRow } from "../job-store.ts";
import type { NewEvent } from "../job-writes-store.ts";
import type { Ending } from "./attempt.ts";
import { deadlineEnding, stopsForDeadline } from "./deadline.ts";

/** What a termination says whose reason is ours; operators read it in the Web UI. */
export const DEADLINE_REASON =
  "Platen: the job was to be cancelled, and no worker stopped it before the cancel's deadline";

/** The same where it was the job's own deadline. */
export const JOB_DEADLINE_REASON = "Platen: the job's deadline has passed, and no worker stopped it";

/** Failures that say nothing of the job, only of the run that found it ended or taken. */
const OF_THE_RUN = new Set<FailureCode>(["job_ended", "superseded"]);

/**
 * `execution`: null when Temporal does not know the workflow. `closing`: null when its history does not tell. `done`: how the job was done in an
 * earlier generation. A run that was reset behind its last activity completes by what that had answered, and enters the row no more.
 */
export function endingOf(
  row: Pick<JobRow, "id" | "workflow_id" | "deadline_at" | "deadline_stop_at" | "cancel_requested_at">,
  execution: Execution | null,
  closing: Closing | null,
  done: Ending | null,
): { ending: Ending; byDeadline: boolean } {
  const ending = (status: Ending["status"], code: FailureCode, facts: Record<string, unknown> = {}) => {
    const { message, action } = new AppError(code, facts);
    return { ending: { status, code, message: `${message} ${action}` }, byDeadline: false };
  };
  if (!execution) return ending("failed", "execution_lost", { workflow: row.workflow_id });
  if (execution.status === "COMPLETED" && done) return { ending: done, byDeadline: false };
  const late = { ending: deadlineEnding(row, "stopped"), byDeadline: false };
  if (execution.status === "CANCELLED" && stopsForDeadline(row)) return late;
  if (execution.status === "CANCELLED") return ending("cancelled", "cancelled");
  if (execution.status === "TERMINATED") {
    if (closing?.kind !== "terminated") return ending("cancelled", "terminated_by_operator");
    if (closing.reason === JOB_DEADLINE_REASON) return late;
    if (closing.reason !== DEADLINE_REASON)
      return ending("cancelled", "terminated_by_operator", { how: told(closing) });
    const by = ": no worker stopped it before the deadline, so its workflow was terminated";
    return { ...ending("cancelled", "cancelled", { by }), byDeadline: true };
  }
  if (execution.status === "TIMED_OUT") return ending("failed", "timed_out", { where: limitOf(execution, closing) });
  if (closing?.kind === "failed" && closing.code !== null && !OF_THE_RUN.has(closing.code)) {
    return { ending: { status: "failed", code: closing.code, message: closing.message }, byDeadline: false };
  }
  const why = closing?.kind === "failed" && closing.message ? `: ${closing.message}` : "";
  const reason = `the workflow ended as ${execution.status} without settling the job${why}`;
  return ending("failed", "internal", { reason, request_id: row.id });
}

/** Who terminated it and why, as far as Temporal knows. */
function told({ by, reason }: { by: string | null; reason: string | null }): string {
  return `${by === null ? "" : ` by ${by}`}${reason === null ? "" : `: ${reason}`}`;
}

function limitOf({ limits }: Execution, closing: Closing | null): string {
  if (closing?.kind !== "timed_out") return "";
  const seconds = closing.limit === "run" ? limits?.run_seconds : limits?.execution_seconds;
  return ` (${closing.limit} timeout${seconds ? ` of ${seconds} s` : ""})`;
}

/**
 * What the receipt of a cancellation that has come about lacks: nothing runs any more. The last stage is the final state's, and a job that
 * ended otherwise leaves its receipt where it was, as when it is settled by its run.
 */
export function stagesOfEnding(row: JobRow, { status }: Ending): { patch: JobPatch; events: NewEvent[] } {
  if (row.cancel_requested_at === null || status !== "cancelled") return { patch: {}, events: [] };
  const patch: JobPatch = {};
  const events: NewEvent[] = [];
  const tell = (cancellation: CancellationStage, message: string): void => {
    events.push({ kind: "log", data: { level: "info", message, step: row.step ?? undefined, cancellation } });
  };
  if (row.cancel_acknowledged_at === null) {
    patch.cancel_acknowledged_at = "now";
    tell("acknowledged", "The workflow has ended: nothing is left to be stopped");
  }
  if (row.cancel_stopped_at === null) {
    patch.cancel_stopped_at = "now";
    tell("stopped", "Stopped: nothing works on this job any more");
  }
  return { patch, events };
}
