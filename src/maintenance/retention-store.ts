/** Jobs and their ledgers that have outlived their use. */
import { query, queryOne, type Db } from "../db.ts";

/** `keepDays`: how long after its end a job that says nothing else is kept; 0 for ever. */
interface Retention {
  tenant_id: string;
  keepDays: number;
}

/** Ended, past its own time or ours. `expiry`: its own; of a member, which has none, its group's. */
const isPast = (job: string, expiry = `${job}.expires_at`): string => `
  ${job}.tenant_id = $1 and ${job}.status in ('completed', 'partially_completed', 'failed', 'cancelled')
  and (${expiry} < now()
    or ($2::int > 0 and ${expiry} is null and ${job}.completed_at < now() - make_interval(days => $2)))`;

/** For `isPast`. */
const expiryWithin = (job: string, top: string): string => `coalesce(${job}.expires_at, ${top}.expires_at)`;

/** Members of a group, and what those have started themselves: a publish has its tiles cut by a job of its own. Deeper it never goes. */
const below = (id: string): string => `(
  select * from jobs where parent_id = ${id}
  union all
  select theirs.* from jobs member join jobs theirs on theirs.parent_id = member.id where member.parent_id = ${id}
)`;

const madeLive = (job: string): string => `exists (select 1 from environment_releases e where e.job_id = ${job}.id)`;
const hasGuard = (job: string): string => `exists (select 1 from publish_guards guard where guard.job_id = ${job}.id)`;
/** Nothing of its own keeps it. */
const mayGo = (job: string, expiry?: string): string =>
  `(${isPast(job, expiry)} and not ${madeLive(job)} and not ${hasGuard(job)}) is true`;

/**
 * A group goes with all that is below it at once, when each of that may go: with a member gone it would start that one anew when it is
 * retried, and without its group a member says nothing of what it was for.
 */
const isExpired = (job: string): string => `
  ${mayGo(job)} and not exists (select 1 from jobs parent where parent.id = ${job}.parent_id)
  and not exists (select 1 from ${below(`${job}.id`)} m where not ${mayGo("m", expiryWithin("m", job))})`;

/** Behind `after`, by id. `members`: how many jobs go with it. */
export async function expiredJobs(
  db: Db,
  { tenant_id, keepDays }: Retention,
  page: { after: string; limit: number },
): Promise<{ id: string; members: number }[]> {
  return query(
    db,
    `
    select j.id, (select count(*)::int from ${below("j.id")} m) as members
    from jobs j where ${isExpired("j")} and j.id > $3::uuid order by j.id limit $4
    `,
    [tenant_id, keepDays, page.after, page.limit],
  );
}

/** Jobs that have outlived their time and stay nevertheless: how many, why, and one of them. */
export async function stayingJobs(
  db: Db,
  { tenant_id, keepDays }: Retention,
): Promise<{ stays: string; count: number; job: string }[]> {
  return query(
    db,
    `
    select stays, count(*)::int as count, min(id::text) as job
    from (
      select j.id, case
        when ${madeLive("j")} then 'it has made something live'
        when ${hasGuard("j")} then 'it guards its environment'
        when exists (select 1 from jobs parent where parent.id = j.parent_id) then 'its group stays'
        else 'a job of it stays' end as stays
      from jobs j
      left join jobs above on above.id = j.parent_id
      left join jobs top on top.id = coalesce(above.parent_id, j.parent_id)
      where ${isPast("j", expiryWithin("j", "top"))} and not (${isExpired("j")})
        and not exists (select 1 from jobs g where g.id = top.id and ${isExpired("g")})
    ) as past
    group by stays order by stays
    `,
    [tenant_id, keepDays],
  );
}

export interface GoneJob {
  id: string;
  job_type: string;
  status: string;
  completed_at: string;
}

/**
 * Removes the job and all below it with all that is only theirs, if they may still go; what they were, or null. Call in a transaction: the
 * rows are locked first, the group's before its members', so that a retry comes before it or finds nothing.
 *
 * Others keep what they know of it: the statistics (job_endings, job_samples), the audit trail, the runs of a schedule. Staged rows of
 * imports have a task of their own.
 */
export async function deleteJob(tx: Db, id: string, { tenant_id, keepDays }: Retention): Promise<GoneJob[] | null> {
  const columns = `j.id, j.job_type, j.status, j.completed_at`;
  const row = await queryOne<GoneJob & Record<string, unknown>>(
    tx,
    `select ${columns} from jobs j where ${isExpired("j")} and j.id = $3 for update of j skip locked`,
    [tenant_id, keepDays, id],
  );
  if (!row) return null;
  const members = await query<GoneJob>(
    tx,
    `
    select ${columns} from jobs j join jobs top on top.id = $3
    where j.id in (select id from ${below("$3::uuid")} b) and ${mayGo("j", expiryWithin("j", "top"))}
    order by j.id for update of j skip locked
    `,
    [tenant_id, keepDays, id],
  );
  const all = await queryOne<{ count: number }>(tx, `select count(*)::int as count from ${below("$1::uuid")} b`, [id]);
  if (members.length !== all?.count) return null;
  await deleteWithAllTheirs(tx, [id, ...members.map((member) => member.id)]);
  return [row, ...members];
}

/** Foreign keys are checked at the end of each statement, so what refers to the jobs goes first. */
async function deleteWithAllTheirs(tx: Db, ids: readonly string[]): Promise<void> {
  await query(
    tx,
    `
    with event as (
      delete from job_events where job_id = any ($1::uuid[])
    ), step_result as (
      delete from job_step_results where job_id = any ($1::uuid[])
    ), key as (
      delete from idempotency_keys where job_id = any ($1::uuid[])
    ), claim as (
      delete from object_claims where job_id = any ($1::uuid[])
    ), permit as (
      delete from job_permits where job_id = any ($1::uuid[])
    ), member as (
      delete from group_members where group_id = any ($1::uuid[])
    ), artifact as (
      delete from artifacts a
      where job_id = any ($1::uuid[]) and not exists (select 1 from source_pictures s where s.artifact_id = a.id)
    )
    update artifacts a set job_id = null
    where job_id = any ($1::uuid[]) and exists (select 1 from source_pictures s where s.artifact_id = a.id)
    `,
    [ids],
  );
  await query(tx, `delete from jobs where id = any ($1::uuid[])`, [ids]);
}

/** Ended jobs whose steps and logs are older than `days`, behind `after`, by id. */
export async function compactableJobs(
  db: Db,
  { tenant_id, days }: { tenant_id: string; days: number },
  page: { after: string; limit: number },
): Promise<{ id: string }[]> {
  return query(
    db,
    `
    select id from jobs
    where tenant_id = $1 and status in ('completed', 'partially_completed', 'failed', 'cancelled')
      and completed_at < now() - make_interval(days => $2) and compacted_seq < seq and id > $3::uuid
    order by id limit $4
    `,
    [tenant_id, days, page.after, page.limit],
  );
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
          delete from job_step_results where job_id in (select id from ended) and step in ('upload', 'verify_tiles', 'generate')
        ), gone as (
          delete from object_claims where job_id in (select id from ended) returning 1
        )
        select count(*)::int as count from gone
        `,
    [tenant_id, graceHours],
  );
  return row?.count ?? 0;
}
