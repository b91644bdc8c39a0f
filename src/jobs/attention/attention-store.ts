/** Which jobs need attention, or do not any more, as far as their rows tell. */
import type { AttentionCode } from "../../../contract/attention.ts";
import type { JobType, StepDefinition } from "../../../contract/job-types.ts";
import { query, type Db } from "../../db.ts";

/** A job's progress: how long it is ago, and the limit of its step, in seconds. */
export interface Stall {
  id: string;
  /** ISO 8601 */
  last_activity_at: string;
  quiet_seconds: number;
  stall_seconds: number;
}

/**
 * Running jobs whose last progress is longer ago than their step's limit and which are not noted for anything, and noted ones with progress
 * since: one statement for all. `settle` and steps of other versions have the longest limit there is.
 */
export async function stallChanges(
  db: Db,
  steps: readonly (Pick<StepDefinition, "name" | "stall_seconds"> & { job_type: JobType })[],
  limit: number,
): Promise<Stall[]> {
  return query<Stall>(
    db,
    `
    with limits as (
      select * from unnest($1::text[], $2::text[], $3::int[]) as limits (job_type, step, seconds)
    ), running as (
      select id, attention, last_activity_at, extract(epoch from now() - last_activity_at)::float8 as quiet_seconds,
        coalesce(seconds, (select max(seconds) from limits)) as stall_seconds
      from jobs left join limits using (job_type, step)
      where status = 'running' and (attention is null or attention ->> 'code' = 'stalled')
    )
    select id, last_activity_at, quiet_seconds, stall_seconds
    from running
    where (attention is null) = (quiet_seconds > stall_seconds)
    limit $4
    `,
    [
      steps.map(({ job_type }) => job_type),
      steps.map(({ name }) => name),
      steps.map(({ stall_seconds }) => stall_seconds),
      limit,
    ],
  );
}

/** Open jobs that nobody has written to for so long, and that are noted for nothing or for having stalled. */
export async function waitingJobs(
  db: Db,
  options: { job_type: JobType; quietSeconds: number; limit: number },
): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    `
    select id from jobs
    where status in ('queued', 'running') and job_type = $1 and updated_at < now() - make_interval(secs => $2)
      and (attention is null or attention ->> 'code' = 'stalled')
    limit $3
    `,
    [options.job_type, options.quietSeconds, options.limit],
  );
  return rows.map(({ id }) => id);
}

/** Open jobs of that type that are noted for it. */
export async function notedJobs(
  db: Db,
  options: { job_type: JobType; code: AttentionCode; limit: number },
): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    `
    select id from jobs
    where status in ('queued', 'running') and job_type = $1 and attention ->> 'code' = $2
    limit $3
    `,
    [options.job_type, options.code, options.limit],
  );
  return rows.map(({ id }) => id);
}
