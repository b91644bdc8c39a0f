/**
 * The live feed of a process: each watched job is read once per change, however many watch it, and many jobs in one statement.
 * PostgreSQL's NOTIFY only says which to read; a sweep finds what a lost notification left behind. A running job whose row is
 * silent, or cannot be read, is asked for its progress through Temporal.
 */
import pLimit from "p-limit";
import type { Database } from "../db.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Executions } from "../temporal.ts";
import { listenToJobs, type JobNotifications } from "./job-notifications.ts";
import { momentsOf, type JobMoment } from "./job-moments.ts";
import { findJobs, type JobRecord } from "./job-queries-store.ts";
import { newestEvents, type JobEvent } from "./ledger-store.ts";

/** The newest of one watched job, the same objects for everyone who watches it. */
export interface WatchedJob {
  /** A new object with every change. */
  readonly job: JobRecord;
  /** Moments without gaps up to `job.seq`; who is further behind reads the ledger. */
  readonly tail: readonly JobMoment[];
}

export interface Watcher {
  /** There is something new to look at. */
  changed(): void;
  /** The process is going down: end the answer, so that the client comes back to another. */
  closing(): void;
}

export interface Watch extends WatchedJob {
  release(): void;
}

export interface ProgressFeed {
  /** Resolves when the job has been read. Rejects when it cannot be, or does not exist; scoping is the caller's. */
  watch(jobId: string, watcher: Watcher): Promise<Watch>;
  /** Jobs being watched, and watchers. */
  size(): { jobs: number; watchers: number };
  close(): Promise<void>;
}

export interface FeedOptions {
  database: Database;
  /** For the LISTEN connection: straight to PostgreSQL, not through a pooler in transaction mode. */
  url: string;
  executions: Pick<Executions, "queryProgress">;
  log: Log;
  /** ms between two sweeps over the watched jobs; 2,000 by default. */
  sweepMs?: number;
  /** ms after which a running job that has not changed is asked itself; 5,000 by default. */
  silentMs?: number;
}

/** Events kept per watched job. */
const TAIL = 256;
/** Jobs per statement. */
const BATCH = 500;
const QUESTIONS_AT_A_TIME = 10;

interface Entry {
  watchers: Set<Watcher>;
  /** As PostgreSQL gave it last. */
  row: JobRecord | null;
  job: JobRecord | null;
  tail: JobMoment[];
  /** By this process's clock. */
  changed_at: number;
  asking: boolean;
  loaded: PromiseWithResolvers<void>;
}

export function createProgressFeed(options: FeedOptions): ProgressFeed {
  const entries = new Map<string, Entry>();
  const dirty = new Set<string>();
  const questions = pLimit(QUESTIONS_AT_A_TIME);
  let notifications: JobNotifications | undefined;
  let sweep: NodeJS.Timeout | undefined;
  let reading = false;
  let closed = false;

  /** Opens the connection with the first watcher: a process that serves none needs none. */
  function wake(): void {
    const { url, log } = options;
    notifications ??= listenToJobs({ url, log, changed: (ids) => look(ids ?? [...entries.keys()]) });
    sweep ??= setInterval(() => {
      look(entries.keys());
      for (const [id, entry] of entries) if (isSilent(entry)) void questions(() => ask(id, entry));
    }, options.sweepMs ?? 2_000);
  }

  function look(ids: Iterable<string>): void {
    for (const id of ids) if (entries.has(id)) dirty.add(id);
    if (!reading && dirty.size > 0) void read();
  }

  /** The only reader: so no older read can overtake a newer one. */
  async function read(): Promise<void> {
    reading = true;
    while (dirty.size > 0 && !closed) {
      const ids = [...dirty].slice(0, BATCH);
      for (const id of ids) dirty.delete(id);
      await readBatch(ids).catch((error: unknown) => {
        options.log.warn(
          { reason: reasonOf(error), jobs: ids.length },
          "watched jobs could not be read; the sweep tries again",
        );
        for (const id of ids) if (!entries.get(id)?.job) forget(id, error);
      });
    }
    reading = false;
  }

  async function readBatch(ids: string[]): Promise<void> {
    const db = options.database.em.fork();
    const rows = await findJobs(db, ids);
    const behind = rows
      .map((row) => ({
        id: row.id,
        after: Math.max(entries.get(row.id)?.row?.seq ?? 0, row.seq - TAIL),
        upto: row.seq,
      }))
      .filter(({ after, upto }) => after < upto);
    const events = behind.length > 0 ? await newestEvents(db, behind) : new Map<string, JobEvent[]>();
    for (const row of rows) refresh(row, events.get(row.id) ?? []);
    const found = new Set(rows.map((row) => row.id));
    for (const id of ids) if (!found.has(id)) forget(id, new Error(`no job ${id} to watch`));
  }

  function refresh(row: JobRecord, events: JobEvent[]): void {
    const entry = entries.get(row.id);
    if (!entry || JSON.stringify(entry.row) === JSON.stringify(row)) return;
    const skipped = events[0] !== undefined && events[0].seq !== (entry.row?.seq ?? 0) + 1;
    const before = skipped ? [] : entry.tail;
    entry.tail = [...before, ...momentsOf(row, events, before.at(-1))].slice(-TAIL);
    entry.row = row;
    show(entry, row);
    entry.loaded.resolve();
  }

  function show(entry: Entry, job: JobRecord): void {
    entry.job = job;
    entry.changed_at = Date.now();
    for (const watcher of entry.watchers) watcher.changed();
  }

  function forget(id: string, error: unknown): void {
    const entry = entries.get(id);
    entries.delete(id);
    entry?.loaded.reject(error);
    if (entry?.job) for (const watcher of entry.watchers) watcher.closing();
  }

  const isSilent = (entry: Entry): boolean =>
    entry.job?.status === "running" && !entry.asking && Date.now() - entry.changed_at > (options.silentMs ?? 5_000);

  /** One question per job at a time, for all its watchers; what the row says next replaces the answer. */
  async function ask(id: string, entry: Entry): Promise<void> {
    const { job } = entry;
    if (!job || entry.asking || entries.get(id) !== entry) return;
    entry.asking = true;
    const said = await options.executions.queryProgress(job.workflow_id);
    entry.asking = false;
    if (!said || entry.job !== job || said.percent <= job.progress) return;
    const steps = job.steps.map((step) => ({
      ...step,
      status: said.steps.find((each) => each.name === step.name)?.status ?? step.status,
    }));
    show(entry, { ...job, progress: Math.min(99, said.percent), step: said.step, steps });
  }

  return {
    async watch(jobId, watcher) {
      if (closed) throw new Error("the feed is closed");
      wake();
      let entry = entries.get(jobId);
      if (!entry) {
        entry = {
          ...{ watchers: new Set(), row: null, job: null, tail: [], changed_at: Date.now(), asking: false },
          loaded: Promise.withResolvers(),
        };
        entries.set(jobId, entry);
        look([jobId]);
      }
      const mine = entry;
      mine.watchers.add(watcher);
      await mine.loaded.promise;
      return {
        get job() {
          return mine.job!;
        },
        get tail() {
          return mine.tail;
        },
        release() {
          mine.watchers.delete(watcher);
          if (mine.watchers.size === 0 && entries.get(jobId) === mine) entries.delete(jobId);
        },
      };
    },
    size() {
      return {
        jobs: entries.size,
        watchers: [...entries.values()].reduce((sum, entry) => sum + entry.watchers.size, 0),
      };
    },
    async close() {
      closed = true;
      clearInterval(sweep);
      for (const entry of entries.values()) for (const watcher of entry.watchers) watcher.closing();
      await notifications?.close();
    },
  };
}
