/**
 * The states of a job and what moves it between them.
 *
 *   queued ──claim──► running ──finish──► completed | partially_completed
 *     │                  └─────settle──► failed | cancelled
 *     └──cancel──► cancelled
 *
 * A final state never changes, but for an explicit retry or an operator's reset: both open the next *generation*.
 */
export const JOB_STATUSES = ["queued", "running", "completed", "partially_completed", "failed", "cancelled"] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

export const FINAL_STATUSES = ["completed", "partially_completed", "failed", "cancelled"] as const;

export type FinalStatus = (typeof FINAL_STATUSES)[number];

export function isFinal(status: JobStatus): status is FinalStatus {
  return status !== "queued" && status !== "running";
}

/** The name of the last event of a stream (server-sent events), by the final state that it tells. */
export const FINAL_EVENT_NAMES: Record<FinalStatus, string> = {
  completed: "job-complete",
  partially_completed: "job-complete",
  failed: "job-failed",
  cancelled: "job-cancelled",
};
