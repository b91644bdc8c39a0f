/** What finished steps of a job yielded. Written with their ends (`writeJob`), read for a retry that goes on behind them. */
import { query, queryOne, type Db } from "../db.ts";

export interface KeptStep {
  step: string;
  /** Of the draft that the step worked on; 0 where it worked on none. */
  revision: number;
  result: unknown;
}

export interface StepRecords {
  /** Of the draft, as it is now. */
  revision: number;
  kept: KeptStep[];
}

/** What a job that is about no version worked on never changes. */
const NO_VERSION = { revision: 0 };

async function revisionOf(db: Db, versionId: string): Promise<{ revision: number }> {
  const version = await queryOne<{ revision: number }>(db, `select revision from versions where id = $1`, [versionId]);
  if (!version) throw new Error(`no version ${versionId}`);
  return version;
}

/**
 * Of the job, in no order. Of a fetched file only as long as its record is there: the bytes go some time after it, and what was read of them
 * is read again by who applies it.
 */
export async function findStepRecords(db: Db, job: { id: string; version_id: string | null }): Promise<StepRecords> {
  const version = job.version_id === null ? NO_VERSION : await revisionOf(db, job.version_id);
  const kept = await query<KeptStep>(
    db,
    `
    select step, revision, result from job_step_results r
    where job_id = $1 and (step <> 'fetch_file' or exists (
      select 1 from artifacts a
      where a.id = right(r.result ->> 'key', 36)::uuid and a.tenant_id = r.tenant_id and (a.expires_at is null or a.expires_at > now())))
    `,
    [job.id],
  );
  return { ...version, kept };
}

/** What is kept under one name; null for nothing. */
export async function findKeptStep(db: Db, { job_id, step }: { job_id: string; step: string }): Promise<unknown> {
  const sql = `select result from job_step_results where job_id = $1 and step = $2`;
  return (await queryOne<{ result: unknown }>(db, sql, [job_id, step]))?.result ?? null;
}

/** A retry does not go on behind it. */
export async function forgetStep(db: Db, { job_id, step }: { job_id: string; step: string }): Promise<void> {
  await query(db, `delete from job_step_results where job_id = $1 and step = $2`, [job_id, step]);
}
