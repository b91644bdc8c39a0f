/** The cancellation of a job, as its row has it. */
import type { CancellationReceipt, CancellationStage } from "../../contract/cancellation.ts";
import { isFinal } from "../../contract/job-state.ts";
import { iso, type Db } from "../db.ts";
import { findJob, type JobRecord } from "./job-queries-store.ts";

/** Null while nobody has asked for it. */
export function cancellationReceipt(job: JobRecord): CancellationReceipt | null {
  const requested_at = iso(job.cancel_requested_at);
  if (requested_at === null) return null;
  const outcome = !isFinal(job.status) ? "pending" : job.status === "cancelled" ? "cancelled" : "too_late";
  return {
    stage: stageOf(job),
    requested_at,
    requested_by: job.cancel_requested_by_name ?? job.cancel_requested_in,
    reason: job.cancel_reason,
    acknowledged_at: iso(job.cancel_acknowledged_at),
    stopped_at: iso(job.cancel_stopped_at),
    compensated_at: iso(job.cancel_compensated_at),
    deadline_at: iso(job.cancel_deadline_at),
    terminated_at: iso(job.cancel_terminated_at),
    outcome,
  };
}

/** The same from the records. */
export async function readReceipt(db: Db, key: { tenant_id: string; id: string }): Promise<CancellationReceipt | null> {
  const job = await findJob(db, key);
  return job && cancellationReceipt(job);
}

function stageOf(job: JobRecord): CancellationStage {
  if (job.cancel_compensated_at !== null) return "compensated";
  if (job.cancel_stopped_at !== null) return "stopped";
  return job.cancel_acknowledged_at === null ? "requested" : "acknowledged";
}
