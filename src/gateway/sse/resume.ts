/** Where a stream begins, by the cursor that the client brings. */
import { isFinal } from "../../../contract/job-state.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";

export type Beginning =
  /** The present state with all logs; `reset` when a cursor came that names nothing in this ledger, or a place whose events are gone. */
  | { kind: "fresh"; reset: boolean }
  /** Every ledger event after `after`, without loss and without repeats. */
  | { kind: "resume"; after: number }
  /** The client has seen the end: 204 makes an EventSource stop coming back. */
  | { kind: "nothing" };

/** `cursor`: Last-Event-ID, or empty. `job` must have been read just now: a reopened job's stream goes on. */
export function beginningOf(cursor: string, job: Pick<JobRecord, "seq" | "compacted_seq" | "status">): Beginning {
  if (cursor === "") return { kind: "fresh", reset: false };
  const after = /^\d{1,9}$/.test(cursor) ? Number(cursor) : Number.POSITIVE_INFINITY;
  if (after > job.seq) return { kind: "fresh", reset: true };
  if (after === job.seq && isFinal(job.status)) return { kind: "nothing" };
  if (after < job.compacted_seq) return { kind: "fresh", reset: true };
  return { kind: "resume", after };
}
