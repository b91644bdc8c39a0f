/** The rows of permits: a line per tenant and queue, its first few granted. */
import type { Queue } from "../../../contract/job-type-definition.ts";
import { query, queryOne, type Db } from "../../db.ts";

/** Whose line it is. */
export interface Line {
  tenant_id: string;
  queue: Queue;
}

/** What a step of urgency is worth: a job overtakes whatever of the next lower priority asked less than this before it. */
const PRIORITY_MINUTES = 10;

/** A line of a tenant's jobs, in an order that no two have the same place in. */
const TURN = `(turn_at, job_id)`;

/** Takes a place in line, once. False where the job has one, or its permit. The caller holds the job's row, which is open. */
export async function takePlace(tx: Db, line: Line, job: { id: string; priority: number }): Promise<boolean> {
  const taken = await query(
    tx,
    `
    insert into job_permits (job_id, tenant_id, queue, turn_at)
    values ($1, $2, $3, now() + make_interval(mins => $4))
    on conflict (job_id) do nothing
    returning 1
    `,
    [job.id, line.tenant_id, line.queue, (job.priority - 1) * PRIORITY_MINUTES],
  );
  return taken.length > 0;
}

/**
 * From here to the transaction's end nobody else grants permits of this line: two who counted at the same time would both grant the last
 * one. Of the transaction, so that it holds behind poolers too.
 */
export async function lockLine(tx: Db, { tenant_id, queue }: Line): Promise<void> {
  await query(tx, `select pg_advisory_xact_lock(hashtextextended('permits/' || $1 || '/' || $2, 0))`, [
    tenant_id,
    queue,
  ]);
}

/** A job that has just got its permit. */
export interface Granted {
  job_id: string;
  workflow_id: string;
}

/** Grants what is free to those who are first in line. Under `lockLine`, in a statement after it. */
export async function grantFree(tx: Db, { tenant_id, queue }: Line, permits: number): Promise<Granted[]> {
  return query<Granted>(
    tx,
    `
    with free as (
      select greatest(0, $3 - count(*)) as permits
      from job_permits where tenant_id = $1 and queue = $2 and granted_at is not null
    ), next as (
      select job_id from job_permits
      where tenant_id = $1 and queue = $2 and granted_at is null
      order by turn_at, job_id limit (select permits from free)
    )
    update job_permits p set granted_at = clock_timestamp()
    from next, jobs j where p.job_id = next.job_id and j.id = next.job_id
    returning p.job_id, j.workflow_id
    `,
    [tenant_id, queue, permits],
  );
}

/** Their runs know. */
export async function noteWoken(db: Db, jobIds: readonly string[]): Promise<void> {
  await query(db, `update job_permits set woken_at = now() where job_id = any($1::uuid[])`, [jobIds]);
}

export interface Place {
  granted: boolean;
  /** From 1, among those that wait. */
  place: number;
  /** Permits that are granted. */
  running: number;
  /** Slug. */
  tenant: string;
}

/** Null for a job that has neither permit nor place. */
export async function findPlace(db: Db, jobId: string): Promise<Place | null> {
  return queryOne<Place>(
    db,
    `
    select p.granted_at is not null as granted, t.slug as tenant,
      (select count(*)::int from job_permits
        where tenant_id = p.tenant_id and queue = p.queue and granted_at is not null) as running,
      (select count(*)::int from job_permits
        where tenant_id = p.tenant_id and queue = p.queue and granted_at is null
          and ${TURN} <= (p.turn_at, p.job_id)) as place
    from job_permits p join tenants t on t.id = p.tenant_id
    where p.job_id = $1
    `,
    [jobId],
  );
}

export async function hasPermit(db: Db, jobId: string): Promise<boolean> {
  const sql = `select 1 from job_permits where job_id = $1 and granted_at is not null`;
  return (await queryOne(db, sql, [jobId])) !== null;
}

/** Whose job it is; null if there is none. */
export async function tenantOf(db: Db, jobId: string): Promise<string | null> {
  const row = await queryOne<{ tenant_id: string }>(db, `select tenant_id from jobs where id = $1`, [jobId]);
  return row?.tenant_id ?? null;
}
