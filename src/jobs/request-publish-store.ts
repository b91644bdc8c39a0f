/** What the request for a publish writes, and what it looks up first. */
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
