/** The job row, as the protocol reads it: under its lock where it decides by it, without where a write is fenced by what was read. */
import type { Attention } from "../../contract/attention.ts";
import type { JobStatus } from "../../contract/job-state.ts";
import type { JobType } from "../../contract/job-types.ts";
import type { StepState } from "../../contract/progress.ts";
import type { Environment, Problem, PublishInput } from "../../contract/publish.ts";
import { queryOne, type Db } from "../db.ts";

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
  /** Number of that attempt; 0 for none. */
  attempt: number;
  /** When what has just failed is tried again, as far as that is known. */
  next_attempt_at: string | null;
  message: string | null;
  seq: number;
  switched_at: string | null;
  epoch: number | null;
  release_id: string | null;
  cancel_requested_at: string | null;
  cancel_acknowledged_at: string | null;
  cancel_stopped_at: string | null;
  cancel_compensated_at: string | null;
  cancel_deadline_at: string | null;
  /** Its cancel's deadline has passed, by the database's clock: those of gateways differ. */
  cancel_overdue: boolean;
  cancel_terminated_at: string | null;
  attention: Attention | null;
}

const COLUMNS = `
  id, tenant_id, job_type, status, progress, step, steps, result, project_id, version_id, environment, created_by, workflow_id,
  run_id, generation, attempt_at, attempt, next_attempt_at, message, seq, switched_at, epoch, release_id, cancel_requested_at,
  cancel_acknowledged_at, cancel_stopped_at, cancel_compensated_at, cancel_deadline_at,
  coalesce(cancel_deadline_at < now(), false) as cancel_overdue, cancel_terminated_at, attention`;

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
  next_attempt_at?: FromNow | string | null;
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
