/** What the sweep of permits asks of all lines at once. */
import type { Queue } from "../../../contract/job-type-definition.ts";
import { query, type Db } from "../../db.ts";
import type { Granted, Line } from "./permit-store.ts";

/** Takes permits and places from jobs that have ended. There are none: the final state's own statement does it. */
export async function dropOfEnded(db: Db): Promise<string[]> {
  const rows = await query<{ job_id: string }>(
    db,
    `
    delete from job_permits p using jobs j
    where j.id = p.job_id and j.status not in ('queued', 'running')
    returning p.job_id
    `,
  );
  return rows.map(({ job_id }) => job_id);
}

/** Lines in which somebody waits. */
export async function waitingLines(db: Db): Promise<Line[]> {
  return query<Line>(db, `select distinct tenant_id, queue from job_permits where granted_at is null`);
}

/** Jobs with a permit that may not know of it: whoever granted it has had `seconds` to tell. */
export async function untoldJobs(db: Db, options: { seconds: number; limit: number }): Promise<Granted[]> {
  return query<Granted>(
    db,
    `
    select p.job_id, j.workflow_id
    from job_permits p join jobs j on j.id = p.job_id
    where j.status = 'queued' and woken_at is null and granted_at < now() - make_interval(secs => $1)
    limit $2
    `,
    [options.seconds, options.limit],
  );
}

/** A job that waits, and what it says. */
export interface WaitingJob {
  job_id: string;
  queue: Queue;
  /** Slug. */
  tenant: string;
  place: number;
  running: number;
  message: string | null;
}

/** The first `places` of each line. One that says something of more weight than its place is left out. */
export async function firstInLine(db: Db, places: number): Promise<WaitingJob[]> {
  return query<WaitingJob>(
    db,
    `
    with line as (
      select job_id, tenant_id, queue, granted_at,
        row_number() over (partition by tenant_id, queue, granted_at is null order by turn_at, job_id)::int as place,
        count(granted_at) over (partition by tenant_id, queue)::int as running
      from job_permits
    )
    select line.job_id, line.queue, t.slug as tenant, place, running, j.message
    from line join jobs j on j.id = line.job_id join tenants t on t.id = line.tenant_id
    where line.granted_at is null and place <= $1 and j.attention is null
    `,
    [places],
  );
}

/**
 * Only of jobs that wait still; what somebody else is writing is left for the next time. No event: a place is progress. And no news for the
 * reconciler, which looks less and less often at what nobody has written to (`updated_at`): those in front of every line would be its suspects.
 */
export async function writePlaces(db: Db, places: readonly { job_id: string; message: string }[]): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    `
    with news as (
      select * from unnest($1::uuid[], $2::text[]) as n (job_id, message)
    ), free as (
      select id from jobs
      where id in (select job_id from job_permits where granted_at is null) and id = any($1::uuid[])
        and status in ('queued', 'running') and attention is null
      order by id for update skip locked
    )
    update jobs set message = news.message
    from news, free where jobs.id = news.job_id and jobs.id = free.id
    returning jobs.id
    `,
    [places.map(({ job_id }) => job_id), places.map(({ message }) => message)],
  );
  return rows.map(({ id }) => id);
}
