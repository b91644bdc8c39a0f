/** From what has ended to the statistics: each ending is deleted by the statement that counts it, so none is counted twice or lost. */
import { query, queryOne, type Db } from "../../db.ts";
import { GROWTH, LAST_BUCKET } from "./histogram.ts";

/** Any number that no other lock of ours has. */
const LOCK = 7_014_001;

/** Held until the transaction ends; false while another process rolls up. Two at once would lock the same rows in different orders. */
export async function takeRollUpLock(tx: Db): Promise<boolean> {
  const row = await queryOne<{ taken: boolean }>(tx, `select pg_try_advisory_xact_lock($1) as taken`, [LOCK]);
  return row?.taken ?? false;
}

export interface RolledUp {
  tenant_id: string;
  job_type: string;
  count: number;
}

const HISTOGRAM = "tenant_id, grain, at, job_type, status, measure";
const BUCKET = `case when m.ms <= 1 then 0 else least(${LAST_BUCKET}, ceil(ln(m.ms) / ln(${GROWTH})))::smallint end`;

/** At most `limit` endings, whichever; answers what they were. */
export async function rollUpEndings(tx: Db, limit: number): Promise<RolledUp[]> {
  return query<RolledUp>(
    tx,
    `
    with taken as (
      delete from job_endings where ctid = any(array(select ctid from job_endings limit $1)) returning *
    ), grained as (
      select t.*, g.grain, g.at
      from taken t,
        lateral (values ('hour', date_trunc('hour', ended_at, 'UTC')), ('day', date_trunc('day', ended_at, 'UTC')),
          ('week', date_trunc('week', ended_at, 'UTC'))) as g (grain, at)
    ), counted as (
      insert into job_counts as c (tenant_id, grain, at, job_type, status, error_code, count)
      select tenant_id, grain, at, job_type, status, coalesce(error_code, ''), count(*)
      from grained where grain <> 'week' group by 1, 2, 3, 4, 5, 6
      on conflict (tenant_id, grain, at, job_type, status, error_code) do update set count = c.count + excluded.count
    ), fresh as (
      select ${HISTOGRAM}, ${BUCKET} as bucket, count(*) as count
      from grained g, lateral (values
        ('wait', extract(epoch from g.started_at - g.queued_at)::float8 * 1000),
        ('run', extract(epoch from g.ended_at - g.started_at)::float8 * 1000)) as m (measure, ms)
      where m.ms is not null group by 1, 2, 3, 4, 5, 6, 7
    ), every as (
      select * from fresh
      union all
      select ${HISTOGRAM}, b.key::int, b.value::int
      from (select distinct ${HISTOGRAM} from fresh) k join job_times t using (${HISTOGRAM}), jsonb_each_text(t.counts) b
    ), timed as (
      insert into job_times (${HISTOGRAM}, counts)
      select ${HISTOGRAM}, jsonb_object_agg(bucket, count)
      from (select ${HISTOGRAM}, bucket, sum(count) as count from every group by 1, 2, 3, 4, 5, 6, 7) summed
      group by 1, 2, 3, 4, 5, 6
      -- What was there is in it: whoever rolls up holds the lock.
      on conflict (${HISTOGRAM}) do update set counts = excluded.counts
    ), sampled as (
      insert into job_samples (job_id, generation, tenant_id, job_type, ended_at, size, seconds)
      select job_id, generation, tenant_id, job_type, ended_at, size, s.seconds
      from taken t, lateral (
        select jsonb_object_agg(e.step->>'name', extract(epoch from e.until - e.since)) as seconds
        from (
          select step,
            case when pg_input_is_valid(step->>'started_at', 'timestamptz') then (step->>'started_at')::timestamptz end as since,
            case when pg_input_is_valid(step->>'finished_at', 'timestamptz') then (step->>'finished_at')::timestamptz end as until
          from jsonb_array_elements(case jsonb_typeof(t.steps) when 'array' then t.steps else '[]' end) as step
        ) e
        -- What a retry has carried over was not done in this generation.
        where e.until >= e.since and (t.generation = 1 or e.since >= t.queued_at)
      ) s
      where status in ('completed', 'partially_completed') and s.seconds is not null
      on conflict do nothing
    )
    select tenant_id, job_type, count(*)::int as count from taken group by 1, 2
    `,
    [limit],
  );
}

/** Of each type that is named, all but the newest `keep`. */
export async function pruneSamples(tx: Db, types: readonly RolledUp[], keep: number): Promise<void> {
  await query(
    tx,
    `
    delete from job_samples s
    using unnest($1::uuid[], $2::text[]) as t (tenant_id, job_type)
    where s.tenant_id = t.tenant_id and s.job_type = t.job_type and s.ended_at < (
      select ended_at from job_samples n where n.tenant_id = t.tenant_id and n.job_type = t.job_type
      order by ended_at desc offset $3 limit 1
    )
    `,
    [types.map(({ tenant_id }) => tenant_id), types.map(({ job_type }) => job_type), keep - 1],
  );
}

/** Hours that no window reaches any more; days stay. Answers how many rows. */
export async function forgetHours(db: Db, options: { days: number; dry_run: boolean }): Promise<number> {
  const old = `grain = 'hour' and at < now() - make_interval(days => $1)`;
  const row = await queryOne<{ count: number }>(
    db,
    options.dry_run
      ? `select (select count(*) from job_counts where ${old})::int + (select count(*) from job_times where ${old})::int as count`
      : `
        with counts as (delete from job_counts where ${old} returning 1), times as (delete from job_times where ${old} returning 1)
        select (select count(*) from counts)::int + (select count(*) from times)::int as count
        `,
    [options.days],
  );
  return row?.count ?? 0;
}

/** Is anything waiting to be counted? */
export async function hasEndings(db: Db): Promise<boolean> {
  return (await queryOne(db, `select 1 from job_endings limit 1`)) !== null;
}
