/** What a watcher is told. */
import type { EndedJob, JobState, LogEntry } from "./job.ts";
import type { PlatenError } from "./platen-error.ts";

/** An event of the job's ledger, newer progress, or the present state. */
export interface JobUpdate {
  type: "update";
  /** Place in the job's ledger; what `lastEventId` goes on from. Progress has none; of snapshots, those have one that replace a cursor. */
  id?: string;
  job: JobState;
  /** Log entries that have not been told before. */
  logs: LogEntry[];
  /** The present state instead of single events: at the beginning, and after what could be told by polls only. */
  snapshot: boolean;
  /** Forget all that was told: the ledger does not reach back to it. `logs` are all there are. */
  reset: boolean;
}

/** The last event of every watch, once. */
export interface JobFinal {
  type: "final";
  /** As on the stream: completed in part is `job-complete`, too. */
  event: "job-complete" | "job-failed" | "job-cancelled";
  /** Place in the job's ledger; unknown when a poll told the end. */
  id?: string;
  job: EndedJob;
}

/** No stream, or no answer to a poll; the watch goes on by itself. */
export interface ConnectionLost {
  type: "connection";
  state: "lost";
  by: "stream" | "poll";
  /** Null when the stream ended in order, as it does when a gateway goes down or the stream has grown old. */
  cause: PlatenError | null;
  /** Streams in a row that were lost or did not come, from 1. */
  attempt: number;
  /** Milliseconds until the next attempt. */
  retryInMs: number;
  /** Milliseconds since the server last told anything of the job, or since the watch began. Refusals tell nothing of it. */
  silentMs: number;
}

/** Streams do not get through, but answers do: the job is asked every few seconds while streams are tried on. */
export interface ConnectionPolling {
  type: "connection";
  state: "polling";
  /** Why the newest stream did not; null when it ended in order, without a word. */
  cause: PlatenError | null;
}

/** What became of the connection; nothing has to be done about it. `streaming`: a stream is there, with its first event. */
export type ConnectionNotice = { type: "connection"; state: "streaming" } | ConnectionPolling | ConnectionLost;

export type WatchEvent = JobUpdate | JobFinal | ConnectionNotice;
