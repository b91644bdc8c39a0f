/** How many jobs are open, and what is odd about them: for metrics. */
import { query, type Db } from "../db.ts";

export interface OpenJobs {
  job_type: string;
  status: "queued" | "running";
  /** Code of contract/attention.ts; null for those that nothing is odd about. */
  attention: string | null;
  count: number;
  /** Seconds since the oldest of them was queued, or made its last progress. */
  oldest_seconds: number;
}

/** Of all tenants; by the partial index of open jobs. */
export async function countOpenJobs(db: Db): Promise<OpenJobs[]> {
  return query<OpenJobs>(
    db,
    `
    select job_type, status, attention->>'code' as attention, count(*)::int as count,
      extract(epoch from now() - min(coalesce(last_activity_at, created_at)))::float8 as oldest_seconds
    from jobs
    where status in ('queued', 'running')
    group by 1, 2, 3
    `,
    [],
  );
}
