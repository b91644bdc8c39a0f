/**
 * Mirrors heartbeats into the jobs table: however many reports, one statement per worker and tick covers all its jobs and wakes who
 * watches them. Lossy but for the newest state of each job, which stays in memory until it is written. A mirror that fails never
 * fails an activity.
 *
 * Kept are one report per job that this worker has worked on since PostgreSQL was last there, about 1 KB each. Entering a step needs
 * PostgreSQL, so while it is away these are the activities that were running when it went: PLATEN_WORKER_CONCURRENCY at most.
 */
import type { Database } from "../db.ts";
import type { Log } from "../log.ts";
import { reasonOf } from "../errors.ts";
import { writeProgress, type ProgressRow } from "./progress-store.ts";

export interface ProgressMirror {
  report(row: ProgressRow): void;
  /** The attempt's step has ended, and the row says so: what waits to be written of it is old. */
  forget(attempt: Pick<ProgressRow, "job_id" | "attempt_at">): void;
  /** Writes what is waiting, now. */
  flush(): Promise<void>;
  /** Writes what is waiting, once; what cannot be written then is lost. Nothing is written after it. */
  stop(): Promise<void>;
}

/** Between two tries while PostgreSQL is away, at most: each is a line in the log. */
const LONGEST_PAUSE_MS = 1_000;

/** `tickMs`: pause between two statements. */
export function createProgressMirror(options: { database: Database; log: Log; tickMs: number }): ProgressMirror {
  /** The newest report per job. */
  const newest = new Map<string, ProgressRow>();
  let pause = options.tickMs;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let stopped = false;

  function schedule(): void {
    // With PostgreSQL away it would go on for ever, and keep its process alive.
    if (stopped) return;
    timer ??= setTimeout(() => void flush(), pause);
  }
  async function writeAll(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const rows = [...newest.values()];
    newest.clear();
    if (rows.length === 0) return;
    try {
      keep(await write(rows));
      pause = options.tickMs;
    } catch (error) {
      pause = Math.min(pause * 2, Math.max(options.tickMs, LONGEST_PAUSE_MS));
      options.log.warn(
        { reason: reasonOf(error), kept: rows.length },
        "progress could not be mirrored; the newest state is kept and tried again",
      );
      keep(rows);
    }
  }
  /** Answers the rows that somebody holds. Rejects when PostgreSQL is away; some may be written then, and are not harmed by another try. */
  async function write(rows: ProgressRow[]): Promise<ProgressRow[]> {
    try {
      const held = new Set(await writeProgress(options.database.em.fork(), rows));
      return rows.filter((row) => held.has(row.job_id));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // One bad value must not cost the others their progress. In halves: of 500 rows it is found with some 20 statements.
      if (rows.length > 1) {
        const middle = rows.length >> 1;
        return [...(await write(rows.slice(0, middle))), ...(await write(rows.slice(middle)))];
      }
      options.log.warn({ job_id: rows[0]?.job_id, reason: reasonOf(error) }, "a progress report was refused");
      return [];
    }
  }
  /** For the next tick, unless there is newer news by now. */
  function keep(left: ProgressRow[]): void {
    for (const row of left) if (!newest.has(row.job_id)) newest.set(row.job_id, row);
    if (left.length > 0) schedule();
  }
  function flush(): Promise<void> {
    writing = writing.then(writeAll);
    return writing;
  }
  return {
    report(row) {
      newest.set(row.job_id, row);
      schedule();
    },
    forget({ job_id, attempt_at }) {
      if (newest.get(job_id)?.attempt_at === attempt_at) newest.delete(job_id);
    },
    flush,
    stop() {
      stopped = true;
      return flush();
    },
  };
}

/** PostgreSQL answered and said no (SQLSTATE classes 22 and 23: data), as opposed to being unreachable. */
function isRefusal(error: unknown): boolean {
  const code =
    (error as { code?: unknown } | null)?.code ?? (error as { cause?: { code?: unknown } } | null)?.cause?.code;
  return typeof code === "string" && /^2[23]/.test(code);
}
