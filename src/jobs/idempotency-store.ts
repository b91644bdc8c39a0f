/** Keys of requests that may be repeated, and what was answered to them. */
import { query, queryOne, type Db } from "../db.ts";

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
  /** Of the job, that the request opened. */
  generation: number;
}

/** What the key was used for, while it is remembered. */
export async function findRemembered(db: Db, key: IdempotencyKey): Promise<RememberedRequest | null> {
  return queryOne<RememberedRequest>(
    db,
    `
    select body_hash, job_id, generation from idempotency_keys
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
    insert into idempotency_keys (tenant_id, principal_id, route, key, body_hash, job_id, generation, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(hours => $8))
    on conflict (tenant_id, principal_id, route, key) do update
    set body_hash = excluded.body_hash, job_id = excluded.job_id, generation = excluded.generation, created_at = now(),
      expires_at = excluded.expires_at
    where idempotency_keys.expires_at <= now()
    returning key
    `,
    [
      ...[key.tenant_id, key.principal_id, key.route, key.key],
      ...[request.body_hash, request.job_id, request.generation, hours],
    ],
  );
  return row !== null;
}

export interface RememberedChoice {
  body_hash: string;
  chosen: unknown;
}

/** What a request about many jobs has chosen under the key. */
export async function findChoice(db: Db, key: IdempotencyKey): Promise<RememberedChoice | null> {
  return queryOne<RememberedChoice>(
    db,
    `
    select body_hash, chosen from idempotency_keys
    where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 and expires_at > now() and job_id is null
    `,
    [key.tenant_id, key.principal_id, key.route, key.key],
  );
}

/** As `rememberRequest`, of a request about many jobs. */
export async function rememberChoice(
  db: Db,
  key: IdempotencyKey,
  { body_hash, chosen }: RememberedChoice,
  hours: number,
): Promise<boolean> {
  const row = await queryOne(
    db,
    `
    insert into idempotency_keys (tenant_id, principal_id, route, key, body_hash, chosen, expires_at)
    values ($1, $2, $3, $4, $5, $6::jsonb, now() + make_interval(hours => $7))
    on conflict (tenant_id, principal_id, route, key) do update
    set body_hash = excluded.body_hash, chosen = excluded.chosen, created_at = now(), expires_at = excluded.expires_at
    where idempotency_keys.expires_at <= now()
    returning key
    `,
    [...[key.tenant_id, key.principal_id, key.route, key.key], body_hash, JSON.stringify(chosen), hours],
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
