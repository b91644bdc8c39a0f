/** A job's log, out of its ledger. */
import type { Db } from "../db.ts";
import { logEntryOf, type LogEntry } from "./job-moments.ts";
import type { JobRecord } from "./job-queries-store.ts";
import { eventsAfter } from "./ledger-store.ts";

const PAGE = 1_000;

/** All log entries of the job up to the record's `seq`. */
export async function readLogs(db: Db, job: Pick<JobRecord, "id" | "seq">): Promise<LogEntry[]> {
  const logs: LogEntry[] = [];
  for (let after = 0; after < job.seq;) {
    // Of a ledger that was cut off at its beginning a page reaches further than it is long.
    const events = (await eventsAfter(db, job.id, after, PAGE)).filter(({ seq }) => seq <= job.seq);
    for (const event of events) {
      const entry = logEntryOf(event);
      if (entry) logs.push(entry);
    }
    after = events.at(-1)?.seq ?? job.seq;
  }
  return logs;
}
