/** Jobs as readers see them: joined with the names of what they refer to. Writes belong to the protocol. */
import type { Attention } from "../../contract/attention.ts";
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
  cancel_requested_by_name: string | null;
  cancel_requested_in: string | null;
  cancel_acknowledged_at: string | null;
  cancel_stopped_at: string | null;
  cancel_compensated_at: string | null;
  cancel_deadline_at: string | null;
  cancel_terminated_at: string | null;
  attention: Attention | null;
  /** Number of the activity attempt that entered last, from 1; 0 for none. */
  attempt: number;
  next_attempt_at: string | null;
  /** When the server scheduled the attempt that entered last, ms since the epoch. */
  attempt_at: string;
  /** Number of the transaction that changed the row last. */
  changed_xid: string;
}

/** Every record, without conditions. */
export const RECORDS = `
  select j.id, j.tenant_id, j.job_type, j.status, j.progress, j.message, j.step, j.steps, j.payload, j.result, j.error_code,
    j.error, j.errors, j.project_id, p.slug as project, j.version_id, v.number as version, j.environment, j.created_by,
    u.name as created_by_name, j.created_at, j.updated_at, j.started_at, j.completed_at, j.last_activity_at, j.workflow_id,
    j.run_id, j.generation, j.seq, j.switched_at, j.release_id, j.cancel_requested_at, j.cancel_reason, j.attempt_at,
    j.changed_xid, c.name as cancel_requested_by_name, j.cancel_requested_in, j.cancel_acknowledged_at, j.cancel_stopped_at,
    j.cancel_compensated_at, j.cancel_deadline_at, j.cancel_terminated_at, j.attention, j.attempt, j.next_attempt_at
  from jobs j
  left join projects p on p.id = j.project_id
  left join versions v on v.id = j.version_id
  left join principals u on u.id = j.created_by
  left join principals c on c.id = j.cancel_requested_by`;

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

/** Newest first; ties in time by id, so that a cursor neither skips nor repeats. A project that the tenant has not has no jobs. */
export async function listJobs(db: Db, filter: JobFilter): Promise<JobRecord[]> {
  const params: unknown[] = [filter.tenant_id];
  const place = (value: unknown): string => `$${params.push(value)}`;
  // Only the conditions that are asked for: `($2 is null or …)` hides from the planner which index serves the list.
  const conditions = ["j.tenant_id = $1"];
  if (filter.project !== undefined) {
    const project_id = await findProjectId(db, { tenant_id: filter.tenant_id, slug: filter.project });
    if (project_id === null) return [];
    conditions.push(`j.project_id = ${place(project_id)}`);
  }
  if (filter.status) conditions.push(`j.status = any(${place(filter.status)}::text[])`);
  if (filter.type !== undefined) conditions.push(`j.job_type = ${place(filter.type)}`);
  if (filter.environment !== undefined) conditions.push(`j.environment = ${place(filter.environment)}`);
  if (filter.before) {
    const { created_at, id } = filter.before;
    conditions.push(`(j.created_at, j.id) < (${place(created_at)}::timestamptz, ${place(id)}::uuid)`);
  }
  return query<JobRecord>(
    db,
    `
    ${RECORDS}
    where ${conditions.join(" and ")}
    order by j.created_at desc, j.id desc
    limit ${place(filter.limit)}
    `,
    params,
  );
}

async function findProjectId(db: Db, key: { tenant_id: string; slug: string }): Promise<string | null> {
  const row = await queryOne<{ id: string }>(db, `select id from projects where tenant_id = $1 and slug = $2`, [
    key.tenant_id,
    key.slug,
  ]);
  return row?.id ?? null;
}
