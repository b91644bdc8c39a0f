/**
 * The live feed of a process: each watched job is read once per change, however many watch it, and many jobs in one statement.
 * PostgreSQL's NOTIFY only says which to read; a sweep finds what a lost notification left behind. What Temporal says beside the row
 * is second-opinion.ts.
 *
 *   watched ──NOTIFY of an event──────────────────────────► told ──read──► shown to all its watchers
 *      └──NOTIFY of progress──► waiting for its turn ──► dirty ──read──► shown
 */
import { isFinal } from "../../contract/job-state.ts";
import type { Notice } from "../../contract/notice.ts";
import type { Database } from "../db.ts";
import { reasonOf } from "../errors.ts";
import { inTime } from "../in-time.ts";
import type { Log } from "../log.ts";
import type { Executions } from "../temporal.ts";
import { progressSince, type Progress } from "./feed-store.ts";
import type { JobNotifications } from "./job-notifications.ts";
import { momentsOf, type JobMoment } from "./job-moments.ts";
import { findJobs, type JobRecord } from "./job-queries-store.ts";
import { newestEvents, type JobEvent } from "./ledger-store.ts";
import { createProgressTurns, SHOWN_AT_A_TIME } from "./progress-turns.ts";
import {
  createSecondOpinions,
  newAsking,
  noticeOf,
  withOpinion,
  type Asking,
  type ShownJob,
} from "./second-opinion.ts";
import { watchTemporal } from "./temporal-watch.ts";

/** The newest of one watched job, the same objects for everyone who watches it. */
export interface WatchedJob {
  /** A new object with every change. */
  readonly job: ShownJob;
  /** Moments without gaps up to `job.seq`, or none; who is further behind reads the ledger. */
  readonly tail: readonly JobMoment[];
}

export interface Watcher {
  /** There is something new to look at. */
  changed(): void;
  /** The process is going down, or there is no such job any more: end the answer. */
  closing(): void;
}

export interface ProgressFeed {
  /**
   * `record`: as the caller has just read it, after scoping it. What the feed shows may be older for a moment, never than the record
   * by which the first watcher came.
   */
  watch(record: JobRecord, watcher: Watcher): WatchedJob;
  unwatch(watched: WatchedJob, watcher: Watcher): void;
  /**
   * What is to be told of a job to somebody who asks for it now and then, by what the process knows; null for nothing. Nobody is asked for
   * this: who begins to poll is told of Temporal some seconds later.
   */
  noticeOn(job: Pick<JobRecord, "id" | "status">): Notice | null;
  /** Jobs being watched, and watchers. */
  size(): { jobs: number; watchers: number };
  /** Nothing can be watched any more. */
  readonly closed: boolean;
  /** Tells every watcher, and watches nothing any more. */
  close(): void;
}

export interface FeedOptions {
  database: Database;
  notifications: JobNotifications;
  executions: Pick<Executions, "queryProgress" | "describe" | "ping">;
  /** Brings the row of a job up to what Temporal says of it; absent where nothing is to be written. */
  reconcile?: (jobId: string) => Promise<unknown>;
  log: Log;
  /** ms between two sweeps over the watched jobs; 2,000 by default. */
  sweepMs?: number;
  /** The same while notifications are not heard; 500 by default. */
  pollMs?: number;
  /** ms after which an open job that has not changed is asked itself; 5,000 by default. */
  silentMs?: number;
}

/** Events kept per watched job: those of the newest batch, at most `TAIL`, and otherwise this many. Each costs 5 KB, with its frames. */
const TAIL = 256;
const KEPT = 4;
/** Jobs per statement. */
const BATCH = 1_000;
/** ms without PostgreSQL until watchers are told: a restart takes less. */
const AWAY_MS = 2_000;
/** ms after which somebody who polls has left. */
const POLLED_MS = 120_000;
/** ms that one read may take. */
const READ_MS = 5_000;

interface Entry extends WatchedJob {
  job: ShownJob;
  tail: JobMoment[];
  watchers: Set<Watcher>;
  /** As PostgreSQL gave it last. */
  row: JobRecord;
  /** ms of `performance.now()`. */
  changed_at: number;
  asking: Asking;
}

export function createProgressFeed(options: FeedOptions): ProgressFeed {
  const { database, notifications, log } = options;
  const silentMs = options.silentMs ?? 5_000;
  const entries = new Map<string, Entry>();
  /** Jobs with a new event, and those of which that is not known. */
  const told = new Set<string>();
  const dirty = new Set<string>();
  let watchers = 0;
  let reading = false;
  let closed = false;
  let polledAt = -Infinity;
  /** Since when PostgreSQL cannot be read, and what watchers are told of it. */
  let away: { since: Date; notice: Notice | null } | null = null;
  const opinions = createSecondOpinions({
    ...{ executions: options.executions, silentMs, log },
    ...(options.reconcile ? { reconcile: options.reconcile } : {}),
    databaseAway: () => away !== null,
    now: () => performance.now(),
  });

  const temporal = watchTemporal({
    executions: options.executions,
    wanted: () => entries.size > 0 || performance.now() - polledAt < POLLED_MS,
    told() {
      // Away or back: what single jobs were told of it is over, and when it is back, whoever was asked in vain is asked again at once.
      for (const entry of entries.values()) {
        [entry.asking.notice, entry.asking.not_before] = [null, 0];
        show(entry);
      }
    },
  });

  const turns = createProgressTurns({ watchersOf: (id) => entries.get(id)?.watchers.size ?? 0, look });
  const stopListening = notifications.onChange((ids, what) => {
    if (ids === null) return look(entries.keys());
    if (what === "event") return look(ids, told);
    turns.add(ids);
  });
  let sweep = setTimeout(round, options.sweepMs ?? 2_000);

  function round(): void {
    look([...entries.keys()].filter((id) => !turns.has(id)));
    for (const entry of entries.values()) if (isSilent(entry)) ask(entry);
    const hears = notifications.hearing().state === "listening";
    sweep = setTimeout(round, hears ? (options.sweepMs ?? 2_000) : (options.pollMs ?? 500));
  }

  function look(ids: Iterable<string>, into = dirty): void {
    for (const id of ids) if (entries.has(id)) into.add(id);
    if (!reading && !closed && dirty.size + told.size > 0) void read();
  }

  /** The only reader: so no older read can overtake a newer one. */
  async function read(): Promise<void> {
    reading = true;
    for (let events = true; dirty.size + told.size > 0 && !closed; events = !events) {
      // In turns: progress must not keep events waiting, nor they it for ever.
      if ((events ? told : dirty).size === 0) continue;
      const batch = take(events ? told : dirty, events ? BATCH : progressBatch());
      const known = batch.flatMap((id) => entries.get(id)?.row ?? []);
      try {
        // What comes later than that is not looked at: a newer read may have been shown by then.
        const showAll = await inTime(events ? readWhole(batch) : readProgress(known), READ_MS);
        showAll();
        if (away) backAgain();
      } catch (error) {
        notRead(error, batch.length);
      }
    }
    reading = false;
  }

  /** As many as are shown to some hundred watchers, which takes the process 20 ms. */
  const progressBatch = (): number =>
    Math.max(50, Math.round((SHOWN_AT_A_TIME * entries.size) / Math.max(1, watchers)));

  /** Reads; answers what shows what was read. */
  async function readProgress(known: JobRecord[]): Promise<() => void> {
    const { changed, gone } = await progressSince(database.em.fork(), known);
    const rows = new Map(known.map((row) => [row.id, row]));
    const [plain, ids]: [Progress[], string[]] = [[], []];
    for (const row of changed) {
      const before = rows.get(row.id);
      if (before && isOnlyProgress(row, before)) plain.push(row);
      else ids.push(row.id);
    }
    const showRest = ids.length > 0 ? await readWhole(ids) : () => undefined;
    return () => {
      for (const id of gone) forget(id);
      for (const row of plain) {
        const before = entries.get(row.id)?.row;
        if (before && isOnlyProgress(row, before)) refresh({ ...before, ...row }, []);
      }
      showRest();
    };
  }

  /** Records and events at the same time: one after the other it took twice as long where PostgreSQL is busy. */
  async function readWhole(ids: string[]): Promise<() => void> {
    const known = ids.flatMap((id) => {
      const after = entries.get(id)?.row.seq;
      return after === undefined ? [] : [{ id, after, upto: after + TAIL }];
    });
    const [rows, events] = await Promise.all([
      findJobs(database.em.fork(), ids),
      newestEvents(database.em.fork(), known),
    ]);
    return () => {
      for (const row of rows) refresh(row, upTo(row, events.get(row.id) ?? []));
    };
  }

  function refresh(row: JobRecord, events: JobEvent[]): void {
    const entry = entries.get(row.id);
    if (!entry) return;
    const { row: before } = entry;
    // Told twice; or read before this entry was made anew from a newer record.
    if (row.seq < before.seq || (row.seq === before.seq && row.changed_xid === before.changed_xid)) return;
    const follows = events[0]?.seq === before.seq + 1;
    const moments = follows ? momentsOf(row, events, entry.job) : momentsOf(row, events);
    if (follows || moments.length > 0)
      entry.tail = [...(follows ? entry.tail : []), ...moments].slice(-Math.max(KEPT, moments.length));
    // Where events should have come and did not (cut off meanwhile), what is kept would have a gap.
    else if (row.seq !== before.seq) entry.tail = [];
    entry.row = row;
    entry.changed_at = performance.now();
    // It speaks: what was to be told in its stead is over, and it is asked soon if it falls silent again.
    [entry.asking.notice, entry.asking.pause, entry.asking.not_before] = [null, 0, 0];
    if (row.run_id !== before.run_id) entry.asking.opinion = null;
    show(entry);
    if (row.step !== before.step || row.status !== before.status) ask(entry);
  }

  function show(entry: Entry): void {
    const known = withOpinion(entry.row, entry.asking.opinion);
    const notice = isFinal(known.status) ? null : (away?.notice ?? temporalAway() ?? entry.asking.notice);
    entry.job = notice ? { ...known, notice } : known;
    for (const watcher of entry.watchers) {
      try {
        watcher.changed();
      } catch (error) {
        log.error({ error, job_id: entry.row.id }, "a watcher failed; its stream ends");
        watcher.closing();
      }
    }
  }

  function temporalAway(): Notice | null {
    const since = temporal.away();
    return since && noticeOf("temporal_away", since);
  }

  function forget(id: string): void {
    const entry = entries.get(id);
    entries.delete(id);
    for (const watcher of entry?.watchers ?? []) watcher.closing();
  }

  function ask(entry: Entry): void {
    if (isFinal(entry.row.status)) return;
    opinions.ask(entry.row, entry.asking, () => {
      if (entries.get(entry.row.id) === entry) show(entry);
    });
  }

  const isSilent = ({ row, changed_at }: Entry): boolean =>
    !isFinal(row.status) && (away !== null || performance.now() - changed_at > silentMs);

  function notRead(error: unknown, jobs: number): void {
    log.warn({ reason: reasonOf(error), jobs }, "watched jobs could not be read; the sweep tries again");
    away ??= { since: new Date(), notice: null };
    if (away.notice || Date.now() - away.since.getTime() < AWAY_MS) return;
    away.notice = noticeOf("database_away", away.since);
    for (const entry of entries.values()) show(entry);
  }

  function backAgain(): void {
    const told = away?.notice;
    away = null;
    if (told) for (const entry of entries.values()) show(entry);
    // Others were not read while it was away.
    look(entries.keys());
  }

  function enter(record: JobRecord): Entry {
    const entry: Entry = {
      ...{
        watchers: new Set(),
        row: record,
        job: record,
        tail: [],
        changed_at: performance.now(),
        asking: newAsking(),
      },
    };
    entries.set(record.id, entry);
    // What changed between the caller's read and now was told to nobody here.
    look([record.id]);
    ask(entry);
    return entry;
  }

  return {
    watch(record, watcher) {
      if (closed) throw new Error("the feed is closed");
      const entry = entries.get(record.id) ?? enter(record);
      if (record.changed_xid !== entry.row.changed_xid || record.seq !== entry.row.seq) look([record.id]);
      entry.watchers.add(watcher);
      watchers += 1;
      return entry;
    },
    unwatch(watched, watcher) {
      const entry = watched as Entry;
      if (entry.watchers.delete(watcher)) watchers -= 1;
      if (entry.watchers.size === 0 && entries.get(entry.row.id) === entry) entries.delete(entry.row.id);
    },
    noticeOn({ id, status }) {
      if (isFinal(status)) return null;
      polledAt = performance.now();
      // That the row could be read just now is known better by who asks.
      return temporalAway() ?? entries.get(id)?.asking.notice ?? null;
    },
    size() {
      return { jobs: entries.size, watchers };
    },
    get closed() {
      return closed;
    },
    close() {
      closed = true;
      clearTimeout(sweep);
      turns.close();
      temporal.close();
      stopListening();
      for (const entry of entries.values()) for (const watcher of [...entry.watchers]) watcher.closing();
      entries.clear();
    },
  };
}

/** Takes out at most so many. */
function take(ids: Set<string>, limit: number): string[] {
  const taken = [...ids].slice(0, limit);
  for (const id of taken) ids.delete(id);
  return taken;
}

/** None when they do not reach the record's number: then there are too many to keep. Some may be newer than the record. */
function upTo({ seq }: JobRecord, events: JobEvent[]): JobEvent[] {
  const until = events.filter((event) => event.seq <= seq);
  return until.at(-1)?.seq === seq ? until : [];
}

/** Whatever changes more in a row comes with an event, or with a new attempt. */
function isOnlyProgress(row: Progress, known: JobRecord): boolean {
  return row.seq === known.seq && row.attempt_at === known.attempt_at;
}
