/** Which jobs need attention, or do not any more, as far as their rows tell; and what is told of many of them at once. */
import type { Attention, AttentionCode } from "../../../contract/attention.ts";
import type { JobType } from "../../../contract/job-types.ts";
import type { StepDefinition } from "../../../contract/job-type-definition.ts";
import { query, queryOne, type Db } from "../../db.ts";
import type { JobRow } from "../job-store.ts";

/** What is told of a job goes by this. */
export type Noted = Pick<JobRow, "id" | "status" | "step" | "message" | "attention">;

const NOTED = `jobs.id, status, step, message, attention`;

/** A job's progress: how long it is ago, and the limit of its step, in seconds. */
export interface Stall extends Noted, Pick<JobRow, "steps"> {
  /** ISO 8601 */
  last_activity_at: string;
  quiet_seconds: number;
  stall_seconds: number;
}

/**
 * Running jobs whose last progress is longer ago than their step's limit and which are not noted for anything, and noted ones with progress
 * since. Locks them, but for those that somebody holds: they are not quiet. Who waits for children has not stalled: they may have. `settle` and steps of other versions have the longest limit
 * there is.
 */
export async function lockStallChanges(
  tx: Db,
  steps: readonly (Pick<StepDefinition, "name" | "stall_seconds"> & { job_type: JobType })[],
  limit: number,
): Promise<Stall[]> {
  return query<Stall>(
    tx,
    `
    with limits as (
      select * from unnest($1::text[], $2::text[], $3::int[]) as limits (job_type, step, seconds)
    )
    select ${NOTED}, steps, last_activity_at, quiet_seconds, stall_seconds
    from jobs
    left join limits using (job_type, step)
    cross join lateral (
      select extract(epoch from now() - last_activity_at)::float8 as silent_seconds,
        coalesce(seconds, (select max(seconds) from limits)) as stall_seconds
    ) as reckoned
    cross join lateral (
      select case
        when silent_seconds > stall_seconds
          and exists (select 1 from jobs child where child.parent_id = jobs.id and child.status in ('queued', 'running'))
        then 0 else silent_seconds
      end as quiet_seconds
    ) as waiting
    where status = 'running' and (attention is null or attention ->> 'code' = 'stalled')
      and (attention is null) = (quiet_seconds > stall_seconds)
    limit $4
    for update of jobs skip locked
    `,
    [
      steps.map(({ job_type }) => job_type),
      steps.map(({ name }) => name),
      steps.map(({ stall_seconds }) => stall_seconds),
      limit,
    ],
  );
}

/** Open jobs of `$1` that nobody has written to for `$2` seconds, and that are noted for nothing or for having stalled. */
const WAITS = `
  status in ('queued', 'running') and job_type = $1 and updated_at < now() - make_interval(secs => $2)
    and (attention is null or attention ->> 'code' = 'stalled')`;

/** Open jobs of `$1` that are noted for `$2`. */
const IS_NOTED = `status in ('queued', 'running') and job_type = $1 and attention ->> 'code' = $2`;

export async function hasWaiting(db: Db, options: { job_type: JobType; quietSeconds: number }): Promise<boolean> {
  return exists(db, WAITS, [options.job_type, options.quietSeconds]);
}

export async function hasNoted(db: Db, options: { job_type: JobType; code: AttentionCode }): Promise<boolean> {
  return exists(db, IS_NOTED, [options.job_type, options.code]);
}

/** Those that wait now, not those that did when somebody looked. Locks them, but for those that somebody holds: they do not wait. */
export async function lockWaiting(
  tx: Db,
  options: { job_type: JobType; quietSeconds: number; limit: number },
): Promise<Noted[]> {
  return lock(tx, WAITS, [options.job_type, options.quietSeconds, options.limit]);
}

/** The same of those that are noted. */
export async function lockNoted(
  tx: Db,
  options: { job_type: JobType; code: AttentionCode; limit: number },
): Promise<Noted[]> {
  return lock(tx, IS_NOTED, [options.job_type, options.code, options.limit]);
}

async function exists(db: Db, which: string, params: unknown[]): Promise<boolean> {
  return (await queryOne(db, `select 1 from jobs where ${which} limit 1`, params)) !== null;
}

async function lock(tx: Db, which: string, params: unknown[]): Promise<Noted[]> {
  // Who waited for one of them would keep all the others locked for as long.
  return query<Noted>(tx, `select ${NOTED} from jobs where ${which} limit $3 for update skip locked`, params);
}

/** What is told of a job: in its row, and as an entry of its log. */
export interface Telling {
  attention: Attention | null;
  /** What the job shows from now on; absent: what it does already. */
  message?: string;
  /** The job has been kept from going on until now: what it makes of that is reckoned from here. */
  freed: boolean;
  entry: Record<string, unknown>;
}

/** Of many jobs, whose rows are locked, in one statement. */
export async function writeTellings(tx: Db, tellings: readonly (Telling & { id: string })[]): Promise<void> {
  const column = <T>(of: (telling: Telling & { id: string }) => T): T[] => tellings.map((each) => of(each));
  await query(
    tx,
    `
    with news as (
      select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::text[])
        as n (id, attention, message, freed, entry)
    ), written as (
      update jobs set attention = n.attention::jsonb, message = coalesce(n.message, jobs.message),
        last_activity_at = case when n.freed then now() else last_activity_at end, seq = seq + 1, updated_at = now()
      from news n where jobs.id = n.id
      returning jobs.id, tenant_id, seq, n.entry
    )
    insert into job_events (job_id, seq, tenant_id, kind, data)
    select id, seq, tenant_id, 'log', entry::jsonb from written
    `,
    [
      column(({ id }) => id),
      column(({ attention }) => attention && JSON.stringify(attention)),
      column(({ message }) => message ?? null),
      column(({ freed }) => freed),
      column(({ entry }) => JSON.stringify(entry)),
    ],
  );
}
