/** Jobs and their ledgers that have outlived their use. */
import { query, queryOne, type Db } from "../db.ts";

/** `keepDays`: how long after its end a job that says nothing else is kept; 0 for ever. */
interface Retention {
  tenant_id: string;
  keepDays: number;
}

/**
 * What may go: ended, past its own time or ours; not in the history of what was live, nobody's parent, no child of a job that has not
 * ended, and no publish's guard.
 */
const EXPIRED = `
  j.tenant_id = $1 and j.status in ('completed', 'partially_completed', 'failed', 'cancelled')
  and (j.expires_at < now() or ($2::int > 0 and j.expires_at is null and j.completed_at < now() - make_interval(days => $2)))
  and not exists (select 1 from environment_releases e where e.job_id = j.id)
  and not exists (select 1 from publish_guards g where g.job_id = j.id)
  and not exists (select 1 from jobs child where child.parent_id = j.id)
  and not exists (select 1 from jobs parent where parent.id = j.parent_id and parent.status in ('queued', 'running'))`;

/** Behind `after`, by id. */
export async function expiredJobs(
  db: Db,
  { tenant_id, keepDays }: Retention,
  page: { after: string; limit: number },
): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    `select j.id from jobs j where ${EXPIRED} and j.id > $3::uuid order by j.id limit $4`,
    [tenant_id, keepDays, page.after, page.limit],
  );
  return rows.map(({ id }) => id);
}

/**
 * Removes the job with all that is only its own, if that may still go; what it was, or null. Call in a transaction: the row is locked first,
 * so that a retry comes before it or finds nothing.
 */
export async function deleteJob(
  tx: Db,
  id: string,
  { tenant_id, keepDays }: Retention,
): Promise<{ id: string; job_type: string; status: string; completed_at: string } | null> {
  const row = await queryOne<{ id: string; job_type: string; status: string; completed_at: string }>(
    tx,
    `select j.id, j.job_type, j.status, j.completed_at from jobs j where ${EXPIRED} and j.id = $3 for update of j skip locked`,
    [tenant_id, keepDays, id],
  );
  if (!row) return null;
  await query(
    tx,
    `
    with event as (
      delete from job_events where job_id = $1
    ), step_result as (
      delete from job_step_results where job_id = $1
    ), key as (
      delete from idempotency_keys where job_id = $1
    ), claim as (
      delete from object_claims where job_id = $1
    ), artifact as (
      delete from artifacts a where job_id = $1 and not exists (select 1 from source_pictures s where s.artifact_id = a.id)
    )
    update artifacts a set job_id = null where job_id = $1 and exists (select 1 from source_pictures s where s.artifact_id = a.id)
    `,
    [id],
  );
  await query(tx, `delete from jobs where id = $1`, [id]);
  return row;
}

/** Ended jobs whose steps and logs are older than `days`, behind `after`, by id. */
export async function compactableJobs(
  db: Db,
  { tenant_id, days }: { tenant_id: string; days: number },
  page: { after: string; limit: number },
): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    `
    select id from jobs
    where tenant_id = $1 and status in ('completed', 'partially_completed', 'failed', 'cancelled')
      and completed_at < now() - make_interval(days => $2) and compacted_seq < seq and id > $3::uuid
    order by id limit $4
    `,
    [tenant_id, days, page.after, page.limit],
  );
  return rows.map(({ id }) => id);
}

/** In one statement, under the rows' locks: what was reopened meanwhile keeps all of its ledger. Answers how many events are gone. */
export async function compactLedgers(db: Db, ids: readonly string[], days: number): Promise<number> {
  const row = await queryOne<{ count: number }>(
    db,
    `
    with old as (
      select id, seq from jobs
      where id = any ($1::uuid[]) and status in ('completed', 'partially_completed', 'failed', 'cancelled')
        and completed_at < now() - make_interval(days => $2)
      order by id for update skip locked
    ), told as (
      update jobs set compacted_seq = old.seq from old where jobs.id = old.id returning jobs.id, old.seq
    ), gone as (
      delete from job_events e using told where e.job_id = told.id and e.seq <= told.seq and e.kind in ('log', 'step') returning 1
    )
    select count(*)::int as count from gone
    `,
    [ids, days],
  );
  return row?.count ?? 0;
}

/**
 * Claims of jobs that ended so long ago are given up, and with them what their steps yielded: a retry must claim and upload anew. Answers
 * the claims; with `dry_run` only counts.
 */
export async function dropClaims(
  db: Db,
  { tenant_id, graceHours, dry_run }: { tenant_id: string; graceHours: number; dry_run: boolean },
): Promise<number> {
  const ended = `
    select j.id from jobs j
    where j.tenant_id = $1 and j.status in ('completed', 'partially_completed', 'failed', 'cancelled')
      and j.completed_at <= now() - make_interval(secs => $2::float8 * 3600)
      and exists (select 1 from object_claims c where c.job_id = j.id)`;
  const row = await queryOne<{ count: number }>(
    db,
    dry_run
      ? `select count(*)::int as count from object_claims where job_id in (${ended})`
      : `
        with ended as (
          ${ended} order by j.id for update of j skip locked
        ), yielded as (
          delete from job_step_results where job_id in (select id from ended) and step in ('upload', 'verify_tiles')
        ), gone as (
          delete from object_claims where job_id in (select id from ended) returning 1
        )
        select count(*)::int as count from gone
        `,
    [tenant_id, graceHours],
  );
  return row?.count ?? 0;
}
