/** Jobs as readers see them: joined with the names of what they refer to. Writes belong to the protocol. */
import type { Attention } from "../../contract/attention.ts";
import type { MemberCounts } from "../../contract/group.ts";
import { JOB_STATUSES, type JobStatus } from "../../contract/job-state.ts";
import { JOB_TYPES, type JobType } from "../../contract/job-types.ts";
import type { StepState } from "../../contract/progress.ts";
import type { Problem } from "../../contract/problem.ts";
import { query, queryOne, type Db } from "../db.ts";
import { withEtas } from "./eta/etas.ts";
import type { Eta } from "./eta/predict.ts";

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
  /** Log and step events up to here may be gone. */
  compacted_seq: number;
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
  /** The job that started this one. */
  parent_id: string | null;
  member_key: string | null;
  /** Of a group, as its ledger has told them. */
  members: MemberCounts | null;
  /** Number of the activity attempt that entered last, from 1; 0 for none. */
  attempt: number;
  next_attempt_at: string | null;
  title: string | null;
  /** 1 first, 5 last. */
  priority: number;
  deadline_at: string | null;
  expires_at: string | null;
  /** Null for what the type says. */
  max_retries: number | null;
  discarded_at: string | null;
  discarded_by_name: string | null;
  discard_reason: string | null;
  /** When the server scheduled the attempt that entered last, ms since the epoch. */
  attempt_at: string;
  /** Number of the transaction that changed the row last. */
  changed_xid: string;
  /** What there is to do, in the type's own unit, once a step knows it. */
  size: number | null;
  /** When it will be done, as it was when the record was read; absent or null: nobody can say. */
  eta?: Eta | null;
}

/** Every record, without conditions. */
export const RECORDS = `
  select j.id, j.tenant_id, j.job_type, j.status, j.progress, j.message, j.step, j.steps, j.payload, j.result, j.error_code,
    j.error, j.errors, j.project_id, p.slug as project, j.version_id, v.number as version, j.environment, j.created_by,
    u.name as created_by_name, j.created_at, j.updated_at, j.started_at, j.completed_at, j.last_activity_at, j.workflow_id,
    j.run_id, j.generation, j.seq, j.compacted_seq, j.switched_at, j.release_id, j.cancel_requested_at, j.cancel_reason, j.attempt_at,
    j.changed_xid, j.size, c.name as cancel_requested_by_name, j.cancel_requested_in, j.cancel_acknowledged_at, j.cancel_stopped_at,
    j.cancel_compensated_at, j.cancel_deadline_at, j.cancel_terminated_at, j.attention, j.attempt, j.next_attempt_at,
    j.title, j.priority, j.deadline_at, j.expires_at, j.max_retries, j.parent_id, j.member_key, j.discarded_at,
    d.name as discarded_by_name, j.discard_reason, j.members
  from jobs j
  left join projects p on p.id = j.project_id
  left join versions v on v.id = j.version_id
  left join principals u on u.id = j.created_by
  left join principals c on c.id = j.cancel_requested_by
  left join principals d on d.id = j.discarded_by`;

/** Null for an unknown job and for another tenant's. */
export async function findJob(db: Db, key: { tenant_id: string; id: string }): Promise<JobRecord | null> {
  const rows = await query<JobRecord>(db, `${RECORDS} where j.id = $1 and j.tenant_id = $2`, [key.id, key.tenant_id]);
  return (await withEtas(db, rows))[0] ?? null;
}

/** Of any tenant: for the feed, which is asked only for jobs that the caller may see. */
export async function findJobs(db: Db, ids: string[]): Promise<JobRecord[]> {
  return withEtas(db, await query<JobRecord>(db, `${RECORDS} where j.id = any($1::uuid[])`, [ids]));
}

export interface JobFilter {
  tenant_id: string;
  status?: readonly JobStatus[];
  type?: string;
  /** Slug. */
  project?: string;
  environment?: string;
  /** UUID: only jobs that this one started. */
  parent?: string;
  /** Only jobs older than this one. */
  before?: { created_at: string; id: string };
  limit: number;
}

/**
 * Newest first; ties in time by id, so that a cursor neither skips nor repeats. A project that the tenant has not has no jobs.
 *
 * A page is put together from the newest of each type and state that is asked for, each one short range of an index. One range over all,
 * filtered, would read what is not wanted: 900,000 completed jobs for a page of the running ones.
 */
export async function listJobs(db: Db, filter: JobFilter): Promise<JobRecord[]> {
  const params: unknown[] = [filter.tenant_id];
  const place = (value: unknown): string => `$${params.push(value)}`;
  // Only the conditions that are asked for: `($2 is null or …)` hides from the planner which index serves the list.
  const conditions = ["tenant_id = $1"];
  const ranges: string[] = [];
  if (filter.project !== undefined) {
    const project_id = await findProjectId(db, { tenant_id: filter.tenant_id, slug: filter.project });
    if (project_id === null) return [];
    conditions.push(`project_id = ${place(project_id)}`);
  }
  const { project, type, status, environment } = filter;
  if (environment !== undefined) conditions.push(`environment = ${place(environment)}`);
  // Of a tenant's jobs in an environment there is an index by state alone: only publishes have one.
  const byType = project !== undefined || environment === undefined;
  if (project !== undefined || type !== undefined || status || environment !== undefined) {
    if (byType) {
      ranges.push(`unnest(${place(type === undefined ? TYPES : [type])}::text[]) as t (wanted)`);
      conditions.push("job_type = t.wanted");
    } else if (type !== undefined) conditions.push(`job_type = ${place(type)}`);
    ranges.push(`unnest(${place(status ?? JOB_STATUSES)}::text[]) as s (wanted)`);
    conditions.push("status = s.wanted");
  }
  if (filter.parent !== undefined) conditions.push(`parent_id = ${place(filter.parent)}`);
  if (filter.before) {
    const { created_at, id } = filter.before;
    conditions.push(`(created_at, id) < (${place(created_at)}::timestamptz, ${place(id)}::uuid)`);
  }
  const limit = place(filter.limit);
  const page = await query<JobRecord>(
    db,
    `
    ${RECORDS}
    where j.id = any(array(
      select page.id from ${[...ranges, "lateral"].join(", ")} (
        select id, created_at from jobs where ${conditions.join(" and ")} order by created_at desc, id desc limit ${limit}
      ) page
      order by page.created_at desc, page.id desc limit ${limit}
    ))
    order by j.created_at desc, j.id desc
    `,
    params,
  );
  return withEtas(db, page);
}

const TYPES = Object.keys(JOB_TYPES);

async function findProjectId(db: Db, key: { tenant_id: string; slug: string }): Promise<string | null> {
  const row = await queryOne<{ id: string }>(db, `select id from projects where tenant_id = $1 and slug = $2`, [
    key.tenant_id,
    key.slug,
  ]);
  return row?.id ?? null;
}
