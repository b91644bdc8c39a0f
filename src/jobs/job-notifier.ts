/**
 * Tells every gateway which jobs have changed: one NOTIFY per process and tick, whatever happened in it.
 * A notification that is lost (process died, PostgreSQL away) costs latency only: feeds sweep as a backstop.
 */
import { JOBS_CHANNEL } from "../../contract/messages.ts";
import type { Database } from "../db.ts";
import type { Log } from "../log.ts";
import { notifyJobs } from "./ledger-store.ts";

export interface JobNotifier {
  /** The job's committed state has changed. */
  touch(jobId: string): void;
  /** Sends what is waiting, now. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** PostgreSQL refuses payloads of 8,000 bytes; an id and its comma are 37. */
const MAX_IDS = 200;

/** `tickMs`: the longest a change waits for its notification. */
export function createJobNotifier(options: { database: Database; log: Log; tickMs: number }): JobNotifier {
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> = Promise.resolve();

  async function send(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size === 0) return;
    const payload = waiting.size > MAX_IDS ? "*" : [...waiting].join(",");
    waiting.clear();
    try {
      await notifyJobs(options.database.em.fork(), JOBS_CHANNEL, payload);
    } catch (error) {
      options.log.warn({ error }, "a notification of changed jobs was lost; feeds find the change in their next sweep");
    }
  }
  function flush(): Promise<void> {
    sending = sending.then(send);
    return sending;
  }
  return {
    touch(jobId) {
      waiting.add(jobId);
      timer ??= setTimeout(() => void flush(), options.tickMs);
    },
    flush,
    stop: flush,
  };
}
