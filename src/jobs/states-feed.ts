/**
 * The live feed of many jobs at once: which jobs changed, whoever they belong to, for streams that name them by tenant, project or
 * type. What is watched one by one is progress-feed.ts.
 *
 *   NOTIFY with ids ──► those jobs are read ──► given to whom they match
 *   sweep, NOTIFY of all ──► all that changed since the watermark is read ──► given, and the new watermark with it
 *
 * Only the second kind moves the watermark: a NOTIFY can be lost. The one that is given out is that of the full read before: transactions
 * whose commit did not wait for the disk (notifications) have numbers that PostgreSQL hands out again after a crash.
 */
import type { Database } from "../db.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { changedSince, readWatermark, type StatesFilter, type Watermark } from "./feed-store.ts";
import type { JobNotifications } from "./job-notifications.ts";
import { findJobs, type JobRecord } from "./job-queries-store.ts";

export interface StatesWatcher {
  /** The present states of matching jobs that changed; each is newer than the last of the same job. */
  changed(jobs: JobRecord[]): void;
  /** All that had changed before this watermark was given. */
  complete(watermark: Watermark): void;
  /** The process is going down: end the answer. */
  closing(): void;
}

export interface StatesFeed {
  /**
   * Gives changes from now on. Resolves with a watermark: what changed at it or later is given, what changed before it a reader finds
   * in the table from now on. Rejects when PostgreSQL cannot be read.
   */
  watch(filter: StatesFilter, watcher: StatesWatcher): Promise<Watermark>;
  unwatch(watcher: StatesWatcher): void;
  /** Watchers. */
  size(): number;
  close(): void;
}

export interface StatesFeedOptions {
  database: Database;
  notifications: JobNotifications;
  log: Log;
  /** ms between two sweeps; 2,000 by default. */
  sweepMs?: number;
  /** The same while notifications are not heard; 500 by default. */
  pollMs?: number;
  /** ms at least between two reads: a state that changes in between is read once; 100 by default. */
  paceMs?: number;
}

/** Progress waits this much longer than events for its turn: each read is of whole records. */
const PROGRESS_PACE = 5;
/** Rows per statement. */
const BATCH = 1_000;

export function createStatesFeed(options: StatesFeedOptions): StatesFeed {
  const { database, notifications, log } = options;
  const paceMs = options.paceMs ?? 100;
  const watchers = new Map<StatesWatcher, StatesFilter & { wanted: ReadonlySet<string> | null }>();
  /** Jobs that were named, and not read since. */
  const named = new Set<string>();
  /** All is to be read. */
  let all = false;
  let since: Watermark | null = null;
  /** Of the newest full read. */
  let newest: Watermark | null = null;
  /** What was given of jobs that changed since `since`: a full read finds them again. */
  const given = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  /** When it fires, by `performance.now()`. */
  let due = 0;
  let sweep: NodeJS.Timeout | undefined;
  let reading = false;
  let closed = false;

  const stopListening = notifications.onChange((ids, what) => {
    if (watchers.size === 0) return;
    if (ids === null) all = true;
    else for (const id of ids) named.add(id);
    schedule(what === "event" ? paceMs : paceMs * PROGRESS_PACE);
  });

  function schedule(ms = paceMs): void {
    if (reading || closed) return;
    const at = performance.now() + ms;
    if (timer && at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => void read(), ms);
  }

  function scheduleSweep(): void {
    clearTimeout(sweep);
    if (closed || watchers.size === 0) return;
    const hears = notifications.hearing().state === "listening";
    sweep = setTimeout(
      () => {
        all = true;
        schedule();
        scheduleSweep();
      },
      hears ? (options.sweepMs ?? 2_000) : (options.pollMs ?? 500),
    );
  }

  async function read(): Promise<void> {
    timer = undefined;
    reading = true;
    const [isFull, ids] = [all, [...named].slice(0, BATCH)];
    all = false;
    if (isFull) named.clear();
    else for (const id of ids) named.delete(id);
    try {
      if (isFull) await readAll();
      else give(await findJobs(database.em.fork(), ids));
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, "changed jobs could not be read; the sweep tries again");
      // What was named is among what the next full read finds.
      all ||= !isFull;
    }
    reading = false;
    if (all || named.size > 0) schedule();
  }

  /** The watermark first: whatever was committed before it is in the rows that are read after it. */
  async function readAll(): Promise<void> {
    const db = database.em.fork();
    const from = since;
    if (from === null || watchers.size === 0) return;
    const next = newest ?? from;
    newest = await readWatermark(db);
    const tenant_ids = [...new Set([...watchers.values()].map(({ tenant_id }) => tenant_id))];
    for (let [at, limit] = [from, BATCH]; ;) {
      const rows = await changedSince(db, { tenant_ids, since: at, limit });
      give(rows);
      const last = rows.at(-1);
      if (!last || rows.length < limit) break;
      // One transaction that changed more jobs than fit would be read for ever.
      if (last.changed_xid === at) limit *= 2;
      at = last.changed_xid;
    }
    // The last watcher has left meanwhile, or another first one has come.
    if (since !== from) return;
    since = next;
    for (const [id, xid] of given) if (BigInt(xid) < BigInt(next)) given.delete(id);
    for (const watcher of watchers.keys()) watcher.complete(next);
  }

  function give(rows: JobRecord[]): void {
    const fresh = rows.filter(({ id, changed_xid }) => given.get(id) !== changed_xid);
    for (const { id, changed_xid } of fresh) given.set(id, changed_xid);
    if (fresh.length === 0) return;
    for (const [watcher, filter] of watchers) {
      const mine = fresh.filter((job) => matches(job, filter));
      if (mine.length > 0) watcher.changed(mine);
    }
  }

  return {
    async watch(filter, watcher) {
      if (closed) throw new Error("the feed is closed");
      watchers.set(watcher, { ...filter, wanted: filter.ids ? new Set(filter.ids) : null });
      if (watchers.size === 1) scheduleSweep();
      try {
        const watermark = await readWatermark(database.em.fork());
        if (watchers.has(watcher)) since ??= watermark;
        return since ?? watermark;
      } catch (error) {
        this.unwatch(watcher);
        throw error;
      }
    },
    unwatch(watcher) {
      watchers.delete(watcher);
      if (watchers.size > 0) return;
      clearTimeout(sweep);
      clearTimeout(timer);
      [timer, since, newest, all] = [undefined, null, null, false];
      named.clear();
      given.clear();
    },
    size: () => watchers.size,
    close() {
      closed = true;
      stopListening();
      clearTimeout(sweep);
      clearTimeout(timer);
      for (const watcher of [...watchers.keys()]) watcher.closing();
      watchers.clear();
    },
  };
}

function matches(
  job: JobRecord,
  { tenant_id, wanted, project_id, type, group_id }: StatesFilter & { wanted: ReadonlySet<string> | null },
): boolean {
  return (
    job.tenant_id === tenant_id &&
    (wanted === null || wanted.has(job.id)) &&
    (project_id === undefined || job.project_id === project_id) &&
    (group_id === undefined || job.id === group_id || job.parent_id === group_id) &&
    (type === undefined || job.job_type === type)
  );
}
