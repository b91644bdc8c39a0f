/** Reads the ledger for watchers who are behind, once for all who stand at the same place. */
import type { Database } from "../../db.ts";
import { readLogs } from "../../jobs/job-logs.ts";
import type { LogEntry } from "../../jobs/job-moments.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import { eventsAfter, type JobEvent } from "../../jobs/ledger-store.ts";

export interface LedgerReader {
  /** All log entries up to the job's `seq`. */
  logs(job: JobRecord): Promise<LogEntry[]>;
  /** Events after `after` in order, some hundred at most. */
  after(job: JobRecord, after: number): Promise<JobEvent[]>;
}

const EVENTS_AT_A_TIME = 500;

/** What is read of a state of a job is kept as long as that state is somebody's. */
export function createLedgerReader(database: Database): LedgerReader {
  const logs = new WeakMap<JobRecord, Promise<LogEntry[]>>();
  const events = new WeakMap<JobRecord, Map<number, Promise<JobEvent[]>>>();
  return {
    logs(job) {
      const reading = logs.get(job) ?? readLogs(database.em.fork(), job);
      logs.set(job, reading);
      // A failure must not be what the next client is greeted with.
      reading.catch(() => logs.delete(job));
      return reading;
    },
    after(job, after) {
      const known = events.get(job) ?? new Map<number, Promise<JobEvent[]>>();
      events.set(job, known);
      const reading = known.get(after) ?? eventsAfter(database.em.fork(), job.id, after, EVENTS_AT_A_TIME);
      known.set(after, reading);
      // Shared by those who ask at the same time; kept no longer than that.
      void reading.catch(() => undefined).finally(() => known.delete(after));
      return reading;
    },
  };
}
