/** The job row, as the protocol reads it: under its lock where it decides by it, without where a write is fenced by what was read. */
import type { Attention } from "../../contract/attention.ts";
import type { MemberCounts } from "../../contract/group.ts";
import type { JobStatus } from "../../contract/job-state.ts";
import type { JobType } from "../../contract/job-types.ts";
import type { StepState } from "../../contract/progress.ts";
import type { JobInput } from "../../contract/job-input.ts";
import type { Environment } from "../../contract/publish.ts";
import type { Problem } from "../../contract/problem.ts";
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
  /** What the job is about; null where its type is about less. */
  project_id: string | null;
  version_id: string | null;
  environment: Environment | null;
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
  payload: Record<string, unknown>;
  title: string | null;
  /** Temporal's: 1 first, 5 last. */
  priority: number;
  deadline_at: string | null;
  /** It has passed, by the database's clock. */
  deadline_over: boolean;
  /** Set once it has passed while the job was running: terminated if it still runs by then. */
  deadline_stop_at: string | null;
  /** That moment has passed. */
  stop_overdue: boolean;
  max_retries: number | null;
  /** A dead letter that was put away. */
  discarded_at: string | null;
  parent_id: string | null;
  member_key: string | null;
  /** Number of the run in a chain that continued as new, from 0. */
  segment: number;
}

const COLUMNS = `
  id, tenant_id, job_type, status, progress, step, steps, result, project_id, version_id, environment, created_by, workflow_id,
  run_id, generation, attempt_at, attempt, next_attempt_at, message, seq, switched_at, epoch, release_id, cancel_requested_at,
  cancel_acknowledged_at, cancel_stopped_at, cancel_compensated_at, cancel_deadline_at,
  coalesce(cancel_deadline_at < now(), false) as cancel_overdue, cancel_terminated_at, attention,
  payload, title, priority, deadline_at, coalesce(deadline_at < now(), false) as deadline_over, deadline_stop_at,
  coalesce(deadline_stop_at < now(), false) as stop_overdue, max_retries, discarded_at, parent_id, member_key, segment`;

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
  segment?: number;
  members?: MemberCounts;
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
  /** ISO 8601. */
  deadline_at?: string | null;
  deadline_stop_at?: FromNow | null;
  discarded_at?: "now" | null;
  discarded_by?: string | null;
  discard_reason?: string | null;
}

/** What a run is started with, and with which words. */
export interface JobStart
  extends
    Omit<JobInput, "makes_tiles">,
    Pick<JobRow, "job_type" | "workflow_id" | "version_id" | "steps" | "title" | "priority"> {
  /** It publishes a version that has a source picture and no tiles. */
  lacks_tiles: boolean;
}

/** The workflows of jobs, what they are started with, and what a retry has left as done, from the records. */
export async function findStarts(db: Db, jobIds: readonly string[]): Promise<JobStart[]> {
  return query(
    db,
    `
    select j.job_type, j.workflow_id, j.version_id, j.steps, j.title, j.priority, j.id as job_id, j.generation, t.slug as tenant,
      p.slug as project, v.number as version, j.environment, coalesce(u.name, 'unknown') as started_by,
      j.job_type = 'publish' and exists (select 1 from source_pictures s where s.version_id = j.version_id)
        and not exists (select 1 from tile_sets s where s.version_id = j.version_id) as lacks_tiles
    from jobs j
    join tenants t on t.id = j.tenant_id
    left join projects p on p.id = j.project_id
    left join versions v on v.id = j.version_id
    left join principals u on u.id = j.created_by
    where j.id = any($1::uuid[])
    `,
    [jobIds],
  );
}
