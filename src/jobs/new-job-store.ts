/** A new job's row and its first event. */
import { definitionOf, type JobType } from "../../contract/job-types.ts";
import { pendingSteps } from "../../contract/progress.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { query, type Db } from "../db.ts";

/** What a request may say beside what it wants done. */
export interface JobTerms {
  /** What people call it. */
  title?: string;
  /** 1 first, 5 last; 3 by default. */
  priority?: number;
  /** ISO 8601: it must have ended by then. */
  deadline_at?: string;
  /** ISO 8601: its row may be removed from then on. */
  expires_at?: string;
  /** What its type says by default. */
  max_retries?: number;
}

export interface NewJob extends JobTerms {
  /** UUIDv7; of a child, derived from its parent's and the key. */
  id: string;
  tenant_id: string;
  job_type: JobType;
  message: string;
  payload: object;
  project_id: string | null;
  version_id: string | null;
  environment: string | null;
  /** Null for what Platen starts by itself. */
  created_by: string | null;
  parent?: { id: string; member_key: string };
}

/** Inserts the row as `queued`, generation 1, and its first event, which says so. */
export const insertJob = (tx: Db, job: NewJob): Promise<void> => insertJobs(tx, [job]);

/** The same for many, in one statement. One that is there already stays as it is. */
export async function insertJobs(tx: Db, jobs: readonly NewJob[]): Promise<void> {
  if (jobs.length === 0) return;
  await query(
    tx,
    `
    with queued as (
      insert into jobs (id, tenant_id, job_type, message, steps, payload, project_id, version_id, environment, created_by,
        workflow_id, title, priority, deadline_at, expires_at, max_retries, parent_id, member_key, seq)
      select id, tenant_id, job_type, message, steps, payload, project_id, version_id, environment, created_by,
        workflow_id, title, priority, deadline_at, expires_at, max_retries, parent_id, member_key, 1
      from jsonb_to_recordset($1::jsonb) as g (id uuid, tenant_id uuid, job_type text, message text, steps jsonb,
        payload jsonb, project_id uuid, version_id uuid, environment text, created_by uuid, workflow_id text, title text,
        priority smallint, deadline_at timestamptz, expires_at timestamptz, max_retries int, parent_id uuid, member_key text)
      on conflict (id) do nothing
      returning id, tenant_id, seq, status, generation, message
    )
    insert into job_events (job_id, seq, tenant_id, kind, data)
    select id, seq, tenant_id, 'status', jsonb_build_object('status', status, 'generation', generation, 'message', message)
    from queued
    `,
    [JSON.stringify(jobs.map(rowOf))],
  );
}

function rowOf({ parent, ...job }: NewJob): object {
  return {
    ...job,
    steps: pendingSteps(definitionOf(job.job_type).steps),
    workflow_id: workflowId(job.job_type, job.id),
    priority: job.priority ?? 3,
    ...(parent ? { parent_id: parent.id, member_key: parent.member_key } : {}),
  };
}
