/** What the request for a publish writes, all in one transaction: the job, its idempotency key; and what it looks up first. */
import type { StepState } from "../../contract/progress.ts";
import { query, queryOne, type Db } from "../db.ts";

export interface NewJob {
  id: string;
  tenant_id: string;
  job_type: string;
  message: string;
  steps: StepState[];
  payload: Record<string, unknown>;
  project_id: string;
  version_id: string;
  environment: string;
  created_by: string;
  workflow_id: string;
}

/** Inserts the row as `queued`, generation 1, and its first event, which says so. */
export async function insertJob(tx: Db, job: NewJob): Promise<void> {
  await query(
    tx,
    `
    with queued as (
      insert into jobs (id, tenant_id, job_type, message, steps, payload, project_id, version_id, environment, created_by,
        workflow_id, seq)
      values ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7, $8, $9, $10, $11, 1)
      returning id, tenant_id, seq, status, generation, message
    )
    insert into job_events (job_id, seq, tenant_id, kind, data)
    select id, seq, tenant_id, 'status', jsonb_build_object('status', status, 'generation', generation, 'message', message)
    from queued
    `,
    [
      job.id,
      job.tenant_id,
      job.job_type,
      job.message,
      JSON.stringify(job.steps),
      JSON.stringify(job.payload),
      job.project_id,
      job.version_id,
      job.environment,
      job.created_by,
      job.workflow_id,
    ],
  );
}

export interface IdempotencyKey {
  tenant_id: string;
  principal_id: string;
  /** The same key on another route is another key. */
  route: string;
  key: string;
}

export interface RememberedRequest {
  body_hash: string;
  job_id: string;
}

/** What the key was used for, while it is remembered. */
export async function findRemembered(db: Db, key: IdempotencyKey): Promise<RememberedRequest | null> {
  return queryOne<RememberedRequest>(
    db,
    `
    select body_hash, job_id from idempotency_keys
    where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 and expires_at > now()
    `,
    [key.tenant_id, key.principal_id, key.route, key.key],
  );
}

/**
 * Binds the key to the job; false when another request has bound it. Waits while that one is still being committed, which is
 * what makes twenty requests at once one job. An expired key is taken over.
 */
export async function rememberRequest(
  tx: Db,
  key: IdempotencyKey,
  request: RememberedRequest,
  hours: number,
): Promise<boolean> {
  const row = await queryOne(
    tx,
    `
    insert into idempotency_keys (tenant_id, principal_id, route, key, body_hash, job_id, expires_at)
    values ($1, $2, $3, $4, $5, $6, now() + make_interval(hours => $7))
    on conflict (tenant_id, principal_id, route, key) do update
    set body_hash = excluded.body_hash, job_id = excluded.job_id, created_at = now(), expires_at = excluded.expires_at
    where idempotency_keys.expires_at <= now()
    returning key
    `,
    [key.tenant_id, key.principal_id, key.route, key.key, request.body_hash, request.job_id, hours],
  );
  return row !== null;
}

/**
 * Deletes expired keys, at most `limit`: with more than one for each key that comes in, the table stays as large as a day's keys.
 * Leaves those that another transaction is at.
 */
export async function forgetExpired(tx: Db, limit: number): Promise<void> {
  await query(
    tx,
    `
    delete from idempotency_keys where (tenant_id, principal_id, route, key) in (
      select tenant_id, principal_id, route, key from idempotency_keys
      where expires_at <= now() order by expires_at limit $1 for update skip locked
    )
    `,
    [limit],
  );
}

/** The version that is live in an environment now, or null. */
export async function findLiveVersion(
  db: Db,
  key: { project_id: string; environment: string },
): Promise<string | null> {
  const row = await queryOne<{ version_id: string }>(
    db,
    `
    select r.version_id
    from environments e
    join environment_releases l using (project_id, environment, epoch)
    join releases r on r.id = l.release_id
    where e.project_id = $1 and e.environment = $2
    `,
    [key.project_id, key.environment],
  );
  return row?.version_id ?? null;
}
