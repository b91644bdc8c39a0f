/**
 * Tells every gateway which jobs have changed: the first change at once, what follows it closely together. However much happens,
 * a process sends one NOTIFY per tick at most, and none while another is on its way.
 * A notification that is lost (process died, PostgreSQL away) costs latency only: feeds sweep as a backstop.
 */
import { JOBS_CHANNEL } from "../../contract/messages.ts";
import type { Database } from "../db.ts";
import type { Log } from "../log.ts";
import { IDS_PER_NOTIFICATION, notifyJobs } from "./ledger-store.ts";

export interface JobNotifier {
  /** The job's committed state has changed. */
  touch(jobId: string): void;
  /** Sends what is waiting, now. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** More ids than this are not named: `*`, and gateways look at all the jobs they watch. Ten payloads, 75 KB. */
const MAX_IDS = 10 * IDS_PER_NOTIFICATION;

/** `tickMs`: between the starts of two notifications at least; so the longest a change waits, if PostgreSQL is quick. */
export function createJobNotifier(options: { database: Database; log: Log; tickMs: number }): JobNotifier {
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let sentAt = -Infinity;
  let sending: Promise<void> = Promise.resolve();

  async function send(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size === 0) return;
    const payloads = payloadsOf([...waiting]);
    waiting.clear();
    sentAt = performance.now();
    try {
      await notifyJobs(options.database.em.fork(), JOBS_CHANNEL, payloads);
    } catch (error) {
      options.log.warn({ error }, "a notification of changed jobs was lost; feeds find the change in their next sweep");
    }
  }
  /** What is touched while one is on its way goes out together, behind it. */
  function flush(): Promise<void> {
    sending = sending.then(send);
    return sending;
  }
  return {
    touch(jobId) {
      waiting.add(jobId);
      timer ??= setTimeout(() => void flush(), Math.max(0, sentAt + options.tickMs - performance.now()));
    },
    flush,
    stop: flush,
  };
}

function payloadsOf(ids: string[]): string[] {
  if (ids.length > MAX_IDS) return ["*"];
  const payloads: string[] = [];
  for (let at = 0; at < ids.length; at += IDS_PER_NOTIFICATION)
    payloads.push(ids.slice(at, at + IDS_PER_NOTIFICATION).join(","));
  return payloads;
}
