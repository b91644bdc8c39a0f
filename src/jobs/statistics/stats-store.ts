/** What is read for statistics: roll-ups of what has ended, and the open jobs themselves. */
import type { FinalStatus, JobStatus } from "../../../contract/job-state.ts";
import { query, queryOne, type Db } from "../../db.ts";
import type { Grain } from "./windows.ts";

export interface StatsFilter {
  tenant_id: string;
  /** Only of this type. */
  type?: string;
  grain: Grain;
  from: Date;
}

export interface CountRow {
  job_type: string;
  status: FinalStatus;
  /** Empty for none. */
  error_code: string;
  count: number;
}

export interface SeriesRow {
  /** Beginning of the hour or day. */
  at: string;
  status: FinalStatus;
  count: number;
}

export interface TimeRow {
  job_type: string;
  status: FinalStatus;
  measure: "wait" | "run";
  bucket: number;
  count: number;
}

/** Of the whole window, and of each hour or day of it: added up where the rows are, which are tens of times as many. */
export async function readCounts(
  db: Db,
  { tenant_id, grain, from, type }: StatsFilter,
): Promise<{ totals: CountRow[]; series: SeriesRow[] }> {
  const params = [tenant_id, grain, from.toISOString()];
  const rows = await query<CountRow | (SeriesRow & { job_type: null })>(
    db,
    `
    select job_type, status, error_code, at, sum(count)::int as count from job_counts
    where tenant_id = $1 and grain = $2 and at >= $3 ${type === undefined ? "" : "and job_type = $4"}
    group by grouping sets ((job_type, status, error_code), (at, status))
    order by at
    `,
    type === undefined ? params : [...params, type],
  );
  return {
    totals: rows.filter((row): row is CountRow => row.job_type !== null),
    series: rows.filter((row): row is SeriesRow & { job_type: null } => row.job_type === null),
  };
}

/** `whole_weeks`: from when on they are read by the week; null: not at all. */
export async function readTimes(db: Db, filter: StatsFilter & { whole_weeks: Date | null }): Promise<TimeRow[]> {
  const { tenant_id, grain, from, type, whole_weeks } = filter;
  const params = [tenant_id, grain, from.toISOString(), whole_weeks?.toISOString() ?? "infinity"];
  const ofType = type === undefined ? "" : "and job_type = $5";
  return query<TimeRow>(
    db,
    `
    select job_type, status, measure, bucket, sum(count)::int as count from (
      select job_type, status, measure, bucket, count from job_times
      where tenant_id = $1 and grain = $2 and at >= $3 and at < $4 ${ofType}
      union all
      select job_type, status, measure, bucket, count from job_times
      where tenant_id = $1 and grain = 'week' and at >= $4 ${ofType}
    ) times
    group by 1, 2, 3, 4
    `,
    type === undefined ? params : [...params, type],
  );
}

export interface LiveRow {
  job_type: string;
  status: Extract<JobStatus, "queued" | "running">;
  count: number;
  /** Since when the oldest of them is open in its generation: a retry waits anew. */
  oldest_at: string;
}

/** Open jobs of the tenant, of `types`: two short ranges of an index for each. */
export async function countLive(db: Db, options: { tenant_id: string; types: readonly string[] }): Promise<LiveRow[]> {
  return query<LiveRow>(
    db,
    `
    select t.job_type, s.status, l.count, l.oldest_at
    from unnest($2::text[]) as t (job_type), unnest(array['queued', 'running']) as s (status), lateral (
      select count(*)::int as count, min(coalesce(queued_at, created_at)) as oldest_at
      from jobs where tenant_id = $1 and job_type = t.job_type and status = s.status
    ) l
    where l.count > 0
    `,
    [options.tenant_id, options.types],
  );
}

/** When statistics begin: nothing older was counted. Null while nothing is. */
export async function firstCounted(db: Db, tenant_id: string): Promise<string | null> {
  const row = await queryOne<{ at: string | null }>(
    db,
    `select min(at) as at from job_counts where tenant_id = $1 and grain = 'day'`,
    [tenant_id],
  );
  return row?.at ?? null;
}
