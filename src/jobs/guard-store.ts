/** The guard: at most one open job publishes a project to an environment. */
import { queryOne, type Db } from "../db.ts";

export interface GuardKey {
  tenant_id: string;
  project_id: string;
  environment: string;
}

/** The job that holds the guard, or null. Locks the guard's row. */
export async function guardHolder(tx: Db, key: GuardKey): Promise<string | null> {
  const row = await queryOne<{ job_id: string }>(
    tx,
    `select job_id from publish_guards where tenant_id = $1 and project_id = $2 and environment = $3 for update`,
    [key.tenant_id, key.project_id, key.environment],
  );
  return row?.job_id ?? null;
}

/** Who holds it at the moment, for telling: nothing keeps it so. */
export async function readGuard(db: Db, key: GuardKey): Promise<string | null> {
  const row = await queryOne<{ job_id: string }>(
    db,
    `select job_id from publish_guards where tenant_id = $1 and project_id = $2 and environment = $3`,
    [key.tenant_id, key.project_id, key.environment],
  );
  return row?.job_id ?? null;
}

/**
 * Takes the guard for the job if it is free, and answers who holds it then (waits for a claim that is being committed). A job without a key
 * needs none, and is answered as if it held it.
 */
export async function claimGuard(tx: Db, key: GuardKey | null, jobId: string): Promise<string> {
  if (!key) return jobId;
  const taken = await queryOne(
    tx,
    `
    insert into publish_guards (tenant_id, project_id, environment, job_id)
    values ($1, $2, $3, $4)
    on conflict (project_id, environment) do nothing
    returning job_id
    `,
    [key.tenant_id, key.project_id, key.environment, jobId],
  );
  if (taken) return jobId;
  return (await guardHolder(tx, key)) ?? claimGuard(tx, key, jobId);
}
