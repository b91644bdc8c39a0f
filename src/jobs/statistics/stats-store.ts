/** What is read for statistics: roll-ups of what has ended, and the open jobs themselves. */
import type { FinalStatus, JobStatus } from "../../../contract/job-state.ts";
import { query, queryOne, type Db } from "../../db.ts";
import { addCounts, createHistogram, type Histogram } from "./histogram.ts";
import type { Grain, StatsWindow } from "./windows.ts";

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
  histogram: Histogram;
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

/** Of the whole window: by its own grain up to `coarse.from`, by the coarser one from then on. */
export async function readTimes(db: Db, filter: StatsFilter & Pick<StatsWindow, "coarse">): Promise<TimeRow[]> {
  const { tenant_id, grain, from, type, coarse } = filter;
  const params = [tenant_id, grain, from.toISOString(), coarse.from.toISOString(), coarse.grain];
  const ofType = type === undefined ? "" : "and job_type = $6";
  const columns = "job_type, status, measure, counts::text";
  const rows = await query<Omit<TimeRow, "histogram"> & { counts: string }>(
    db,
    `
    select ${columns} from job_times where tenant_id = $1 and grain = $2 and at >= $3 and at < $4 ${ofType}
    union all
    select ${columns} from job_times where tenant_id = $1 and grain = $5 and at >= $4 ${ofType}
    `,
    type === undefined ? params : [...params, type],
  );
  // Here and not where the rows are: to PostgreSQL each bucket would be a row to read, to group and to send.
  const sums = new Map<string, TimeRow>();
  for (const { counts, ...row } of rows) {
    const key = `${row.job_type} ${row.status} ${row.measure}`;
    let sum = sums.get(key);
    if (!sum) sums.set(key, (sum = { ...row, histogram: createHistogram() }));
    addCounts(sum.histogram, counts);
  }
  return [...sums.values()];
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
