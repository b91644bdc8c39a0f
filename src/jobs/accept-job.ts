/** Accepts a request for a new job once: row, first event and idempotency key in one transaction, then the workflow. */
import { transaction, type Database, type Db } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import { sqlState } from "../outage.ts";
import type { Executions } from "../temporal.ts";
import { KeyTaken, recall, type KeyedRequest } from "./idempotency.ts";
import type { JobNotifier } from "./job-notifier.ts";
import { findJob, type JobRecord } from "./job-queries-store.ts";
import { startSoon } from "./protocol/start.ts";

export interface AcceptDeps {
  database: Database;
  executions: Executions;
  notifier: JobNotifier;
  log: Log;
}

export interface AcceptedJob {
  /** As it was accepted; a replayed one as it is now. */
  job: JobRecord;
  /** The same request came before, and this is its job. */
  replayed: boolean;
}

export interface NewRequest {
  keyed: KeyedRequest;
  /** Slug of what the job is about, if anything; for the error when it is deleted meanwhile. */
  project: string | null;
  /** Writes the row, and what belongs to it, and remembers the key; answers the job's id. */
  insert(tx: Db): Promise<string>;
  also?: Also | undefined;
}

/** What the caller writes of a job that is accepted now, in the transaction that makes it; of a replayed one nothing. */
export type Also = (tx: Db, job_id: string) => Promise<void>;

/** SQLSTATE of a row that refers to none. */
const FOREIGN_KEY = "23503";

/**
 * The row is the outbox: when Temporal cannot be reached, or this process dies before it asked, the reconciler starts what is queued.
 * Errors: those of `insert`, project_not_found, idempotency_key_reused; then nothing has been written.
 */
export async function acceptJob(deps: AcceptDeps, request: NewRequest): Promise<AcceptedJob> {
  const accepted = await accept(deps.database, request);
  if (accepted.replayed) return accepted;
  deps.notifier.touch(accepted.job.id);
  await startSoon(deps, accepted.job.id, 1);
  return accepted;
}

async function accept(database: Database, request: NewRequest): Promise<AcceptedJob> {
  const replayed = await replay(database.em.fork(), request);
  if (replayed) return replayed;
  try {
    return await transaction(database, async (tx) => {
      const id = await request.insert(tx);
      await request.also?.(tx, id);
      return { job: await jobOf(tx, request, id), replayed: false };
    });
  } catch (error) {
    // The same request was accepted meanwhile, by another connection: answer what it was answered.
    const winner = error instanceof KeyTaken ? await replay(database.em.fork(), request) : null;
    if (winner) return winner;
    // The project was deleted between the look for it and the insert that refers to it.
    if (sqlState(error) === FOREIGN_KEY && request.project !== null)
      throw new AppError("project_not_found", { project: request.project });
    throw error;
  }
}

async function replay(db: Db, request: NewRequest): Promise<AcceptedJob | null> {
  const found = await recall(db, request.keyed);
  return found && { job: await jobOf(db, request, found.job_id), replayed: true };
}

async function jobOf(db: Db, { keyed }: NewRequest, id: string): Promise<JobRecord> {
  const job = await findJob(db, { tenant_id: keyed.by.tenant_id, id });
  if (!job) throw new AppError("job_not_found", { job: id });
  return job;
}
