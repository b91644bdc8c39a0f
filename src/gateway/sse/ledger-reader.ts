/** Reads the ledger for watchers who are behind, once for all who stand at the same place. */
import type { Database } from "../../db.ts";
import { readLogs } from "../../jobs/job-logs.ts";
import { momentsOf, type JobMoment, type LogEntry } from "../../jobs/job-moments.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import { eventsAfter } from "../../jobs/ledger-store.ts";

export interface LedgerReader {
  /** All log entries up to the job's `seq`. */
  logs(job: JobRecord): Promise<LogEntry[]>;
  /**
   * Moments after `after` in order, some hundred at most, and none beyond the record's `seq`: whether an event is the last one is known only
   * together with it. `before`: the last of what was read before it.
   */
  after(job: JobRecord, after: number, before: JobMoment | null): Promise<readonly JobMoment[]>;
}

const EVENTS_AT_A_TIME = 500;
/** What was read is kept for those who come together, for so many ms. */
const KEPT_MS = 100;

export function createLedgerReader(database: Database): LedgerReader {
  const logs = new Map<string, Promise<LogEntry[]>>();
  const moments = new Map<string, Promise<readonly JobMoment[]>>();

  function once<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
    const reading = known.get(key) ?? read();
    if (known.has(key)) return reading;
    known.set(key, reading);
    const forget = (): void => void known.delete(key);
    // A failure must not be what the next client is greeted with.
    reading.then(() => setTimeout(forget, KEPT_MS).unref(), forget);
    return reading;
  }

  async function readMoments(job: JobRecord, after: number, before: JobMoment | null): Promise<readonly JobMoment[]> {
    const events = await eventsAfter(database.em.fork(), job.id, after, EVENTS_AT_A_TIME);
    const upto = events.filter(({ seq }) => seq <= job.seq);
    return before?.event.seq === after ? momentsOf(job, upto, before) : momentsOf(job, upto);
  }

  return {
    logs: (job) => once(logs, `${job.id}/${job.seq}`, () => readLogs(database.em.fork(), job)),
    after: (job, after, before) =>
      once(moments, `${job.id}/${job.seq}/${after}/${before?.event.seq === after}`, () =>
        readMoments(job, after, before),
      ),
  };
}
