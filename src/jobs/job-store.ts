/** The job row, as the protocol reads and writes it: always under its lock, never outside a transaction. */
import type { Attention } from "../../contract/attention.ts";
import type { JobStatus } from "../../contract/job-state.ts";
import type { JobType } from "../../contract/job-types.ts";
import type { StepState } from "../../contract/progress.ts";
import type { Environment, Problem, PublishInput } from "../../contract/publish.ts";
import { query, queryOne, type Db } from "../db.ts";

export interface JobRow {
  id: string;
  tenant_id: string;
  job_type: JobType;
  status: JobStatus;
  progress: number;
  step: string | null;
  steps: StepState[];
  result: Record<string, unknown> | null;
  project_id: string;
  version_id: string;
  environment: Environment;
  created_by: string | null;
  workflow_id: string;
  run_id: string | null;
  generation: number;
  /** When the server scheduled the attempt that entered last, ms since the epoch; 0 for none. */
  attempt_at: number;
  seq: number;
  switched_at: string | null;
  epoch: number | null;
  release_id: string | null;
  cancel_requested_at: string | null;
  cancel_acknowledged_at: string | null;
  cancel_stopped_at: string | null;
  cancel_deadline_at: string | null;
  cancel_terminated_at: string | null;
  attention: Attention | null;
}

const COLUMNS = `
  id, tenant_id, job_type, status, progress, step, steps, result, project_id, version_id, environment, created_by, workflow_id,
  run_id, generation, attempt_at, seq, switched_at, epoch, release_id, cancel_requested_at,
  cancel_acknowledged_at, cancel_stopped_at, cancel_deadline_at, cancel_terminated_at, attention`;

type Raw = Omit<JobRow, "attempt_at"> & { attempt_at: string };

/** Locks the row until the transaction ends; null if there is no such job. */
export async function lockJob(tx: Db, jobId: string): Promise<JobRow | null> {
  const row = await queryOne<Raw>(tx, `select ${COLUMNS} from jobs where id = $1 for update`, [jobId]);
  return row && { ...row, attempt_at: Number(row.attempt_at) };
}

/** The row without a lock: may be stale as soon as it is read. */
export async function readJob(db: Db, jobId: string): Promise<JobRow | null> {
  const row = await queryOne<Raw>(db, `select ${COLUMNS} from jobs where id = $1`, [jobId]);
  return row && { ...row, attempt_at: Number(row.attempt_at) };
}

/** So long after the moment of the write, by PostgreSQL's clock: what is reckoned from `now` must not mix two machines' clocks. */
export interface FromNow {
  after_ms: number;
}

/** What may change in a row. Dates are ISO strings, `now`, or from now. */
export interface JobPatch {
  status?: JobStatus;
  progress?: number;
  message?: string | null;
  step?: string | null;
  steps?: StepState[];
  result?: Record<string, unknown> | null;
  error_code?: string | null;
  error?: string | null;
  errors?: Problem[] | null;
  run_id?: string | null;
  generation?: number;
  attempt_at?: number;
  report?: number;
  attempt?: number;
  next_attempt_at?: FromNow | null;
  attention?: Attention | null;
  epoch?: number;
  release_id?: string;
  started_at?: "now" | null;
  completed_at?: "now" | null;
  switched_at?: "now";
  last_activity_at?: "now";
  cancel_requested_at?: string | null;
  cancel_requested_by?: string | null;
  cancel_reason?: string | null;
  cancel_requested_in?: string | null;
  cancel_acknowledged_at?: "now" | null;
  cancel_stopped_at?: "now" | null;
  cancel_compensated_at?: "now" | null;
  cancel_deadline_at?: FromNow | null;
  cancel_terminated_at?: "now" | null;
}

/** The workflow of a job, what it is started with, and what a retry has left as done, from the records; null if there is no such job. */
export async function findStart(
  db: Db,
  jobId: string,
): Promise<(PublishInput & Pick<JobRow, "job_type" | "workflow_id" | "version_id" | "steps">) | null> {
  return queryOne(
    db,
    `
    select j.job_type, j.workflow_id, j.version_id, j.steps, j.id as job_id, j.generation, t.slug as tenant, p.slug as project, v.number as version, j.environment,
      coalesce(u.name, 'unknown') as started_by
    from jobs j
    join tenants t on t.id = j.tenant_id
    join projects p on p.id = j.project_id
    join versions v on v.id = j.version_id
    left join principals u on u.id = j.created_by
    where j.id = $1
    `,
    [jobId],
  );
}

/** A job to look at. `mark` changes with everything that makes another look worth while. */
export interface QuietJob {
  id: string;
  mark: string;
}

/**
 * Open jobs that nobody has written to for `quietMs`, in id order, after `afterId`: what the reconciler looks at.
 * Gateways and workers write to what is young or alive. A job that is to be cancelled is looked at though it is lively: the
 * request may have been lost on its way to Temporal. What it writes meanwhile does not change its mark.
 */
export async function quietOpenJobs(
  db: Db,
  options: { afterId: string; quietMs: number; limit: number },
): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select id, concat_ws('/', status, generation, run_id, coalesce(cancel_requested_at, updated_at)) as mark
    from jobs
    where status in ('queued', 'running') and id > $1
      and (updated_at < now() - make_interval(secs => $2::float8 / 1000) or cancel_requested_at is not null)
    order by id limit $3
    `,
    [options.afterId, options.quietMs, options.limit],
  );
}

/** At most `limit` of the jobs that ended within the last `seconds`, any of them. */
export async function justEndedJobs(db: Db, options: { seconds: number; limit: number }): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select id, concat_ws('/', status, generation, run_id) as mark
    from jobs
    where completed_at > now() - make_interval(secs => $1)
    order by random() limit $2
    `,
    [options.seconds, options.limit],
  );
}
