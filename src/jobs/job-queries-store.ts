/** Jobs as readers see them: joined with the names of what they refer to. Writes belong to the protocol. */
import type { JobStatus } from "../../contract/job-state.ts";
import type { JobType } from "../../contract/job-types.ts";
import type { StepState } from "../../contract/progress.ts";
import type { Problem } from "../../contract/publish.ts";
import { query, queryOne, type Db } from "../db.ts";

/** Timestamps are as the driver returns them (`iso` of src/db.ts), so that cursors keep their microseconds. */
export interface JobRecord {
  id: string;
  tenant_id: string;
  job_type: JobType;
  status: JobStatus;
  progress: number;
  message: string | null;
  step: string | null;
  steps: StepState[];
  payload: Record<string, unknown>;
  result: Record<string, unknown> | null;
  error_code: string | null;
  error: string | null;
  errors: Problem[] | null;
  project_id: string | null;
  /** Slug. */
  project: string | null;
  version_id: string | null;
  /** Number. */
  version: number | null;
  environment: string | null;
  created_by: string | null;
  created_by_name: string | null;
  created_at: string;
  updated_at: string;
  started_at: string | null;
  completed_at: string | null;
  last_activity_at: string | null;
  workflow_id: string;
  run_id: string | null;
  generation: number;
  /** Number of the newest event in the ledger. */
  seq: number;
  switched_at: string | null;
  release_id: string | null;
  cancel_requested_at: string | null;
  cancel_reason: string | null;
}

const RECORDS = `
  select j.id, j.tenant_id, j.job_type, j.status, j.progress, j.message, j.step, j.steps, j.payload, j.result, j.error_code,
    j.error, j.errors, j.project_id, p.slug as project, j.version_id, v.number as version, j.environment, j.created_by,
    u.name as created_by_name, j.created_at, j.updated_at, j.started_at, j.completed_at, j.last_activity_at, j.workflow_id,
    j.run_id, j.generation, j.seq, j.switched_at, j.release_id, j.cancel_requested_at, j.cancel_reason
  from jobs j
  left join projects p on p.id = j.project_id
  left join versions v on v.id = j.version_id
  left join principals u on u.id = j.created_by`;

/** Null for an unknown job and for another tenant's. */
export async function findJob(db: Db, key: { tenant_id: string; id: string }): Promise<JobRecord | null> {
  return queryOne<JobRecord>(db, `${RECORDS} where j.id = $1 and j.tenant_id = $2`, [key.id, key.tenant_id]);
}

/** Of any tenant: for the feed, which is asked only for jobs that the caller may see. */
export async function findJobs(db: Db, ids: string[]): Promise<JobRecord[]> {
  return query<JobRecord>(db, `${RECORDS} where j.id = any($1::uuid[])`, [ids]);
}

export interface JobFilter {
  tenant_id: string;
  status?: readonly JobStatus[];
  type?: string;
  /** Slug. */
  project?: string;
  environment?: string;
  /** Only jobs older than this one. */
  before?: { created_at: string; id: string };
  limit: number;
}

/** Newest first; ties in time by id, so that a cursor neither skips nor repeats. */
export async function listJobs(db: Db, filter: JobFilter): Promise<JobRecord[]> {
  return query<JobRecord>(
    db,
    `
    ${RECORDS}
    where j.tenant_id = $1
      and ($2::text[] is null or j.status = any($2))
      and ($3::text is null or j.job_type = $3)
      and ($4::text is null or p.slug = $4)
      and ($5::text is null or j.environment = $5)
      and ($6::timestamptz is null or (j.created_at, j.id) < ($6, $7::uuid))
    order by j.created_at desc, j.id desc
    limit $8
    `,
    [
      filter.tenant_id,
      filter.status ?? null,
      filter.type ?? null,
      filter.project ?? null,
      filter.environment ?? null,
      filter.before?.created_at ?? null,
      filter.before?.id ?? null,
      filter.limit,
    ],
  );
}
