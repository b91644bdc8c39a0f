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
export async function insertJob(tx: Db, job: NewJob): Promise<void> {
  await query(
    tx,
    `
    with queued as (
      insert into jobs (id, tenant_id, job_type, message, steps, payload, project_id, version_id, environment, created_by,
        workflow_id, title, priority, deadline_at, expires_at, max_retries, parent_id, member_key, seq)
      values ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 1)
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
      JSON.stringify(pendingSteps(definitionOf(job.job_type).steps)),
      JSON.stringify(job.payload),
      job.project_id,
      job.version_id,
      job.environment,
      job.created_by,
      workflowId(job.job_type, job.id),
      job.title ?? null,
      job.priority ?? 3,
      job.deadline_at ?? null,
      job.expires_at ?? null,
      job.max_retries ?? null,
      job.parent?.id ?? null,
      job.parent?.member_key ?? null,
    ],
  );
}
