/**
 * The receipt of a cancellation. A cancel is asked for once; asking again answers the same receipt.
 *
 *   requested ──seen by the running activity, or by the workflow──► acknowledged ──no activity runs any more──► stopped
 *     ──final state written, guard given back──► compensated
 *
 * A queued job goes all the way at once. When a publish switches first, the receipt stops where it was and `outcome` says so.
 */
export const CANCELLATION_STAGES = ["requested", "acknowledged", "stopped", "compensated"] as const;

export type CancellationStage = (typeof CANCELLATION_STAGES)[number];

/** Times are ISO 8601. */
export interface CancellationReceipt {
  /** The last stage reached. */
  stage: CancellationStage;
  requested_at: string;
  /** Name of the principal, or what Temporal says of who asked there. */
  requested_by: string | null;
  reason: string | null;
  acknowledged_at: string | null;
  stopped_at: string | null;
  compensated_at: string | null;
  /** When the job is terminated if it has not stopped by then. Null while nobody has asked through the API. */
  deadline_at: string | null;
  /** When it was terminated because the deadline had passed: no worker was there to stop it. */
  terminated_at: string | null;
  /** `pending`; `cancelled`; `too_late`: the job ended otherwise, most of all because its switch came first. */
  outcome: "pending" | "cancelled" | "too_late";
}
