/**
 * Mirrors heartbeats into the jobs table: however many reports, one statement per worker and tick covers all its jobs. Lossy but
 * for the newest state of each job, which stays in memory until it is written. A mirror that fails never fails an activity.
 */
import type { Database } from "../db.ts";
import type { Log } from "../log.ts";
import { reasonOf } from "../errors.ts";
import type { JobNotifier } from "./job-notifier.ts";
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

/** `tickMs`: pause between two statements. */
export function createProgressMirror(options: {
  database: Database;
  notifier: JobNotifier;
  log: Log;
  tickMs: number;
}): ProgressMirror {
  /** The newest report per job: bounded by the activities that this worker runs. */
  const newest = new Map<string, ProgressRow>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let stopped = false;

  function schedule(): void {
    // With PostgreSQL away it would go on for ever, and keep its process alive.
    if (stopped) return;
    timer ??= setTimeout(() => void flush(), options.tickMs);
  }
  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const rows = [...newest.values()];
    newest.clear();
    if (rows.length === 0) return;
    try {
      const held = new Set(await writeProgress(options.database.em.fork(), rows));
      keep(rows.filter((row) => held.has(row.job_id)));
    } catch (error) {
      // PostgreSQL refused the batch: one bad value must not cost the others their progress.
      const left = rows.length > 1 && isRefusal(error) ? await oneByOne(rows) : isRefusal(error) ? [] : rows;
      options.log.warn(
        { reason: reasonOf(error), kept: left.length },
        "progress could not be mirrored; the newest state is kept and tried again",
      );
      keep(left);
    }
    for (const row of rows) options.notifier.touch(row.job_id);
    await options.notifier.flush();
  }
  /** For the next tick, unless there is newer news by now. */
  function keep(left: ProgressRow[]): void {
    for (const row of left) if (!newest.has(row.job_id)) newest.set(row.job_id, row);
    if (left.length > 0) schedule();
  }
  /** Answers the rows that are to be tried again: PostgreSQL is away, or somebody holds the job's row. */
  async function oneByOne(rows: ProgressRow[]): Promise<ProgressRow[]> {
    const left: ProgressRow[] = [];
    for (const row of rows) {
      try {
        const held = await writeProgress(options.database.em.fork(), [row]);
        if (held.length > 0) left.push(row);
      } catch (error) {
        if (isRefusal(error))
          options.log.warn({ job_id: row.job_id, reason: reasonOf(error) }, "a progress report was refused");
        else left.push(row);
      }
    }
    return left;
  }
  function flush(): Promise<void> {
    writing = writing.then(write);
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
