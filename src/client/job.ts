/** The job as the gateway describes it. */
import type { Attention } from "../../contract/attention.ts";
import type { CancellationReceipt } from "../../contract/cancellation.ts";
import type { FinalStatus, JobStatus } from "../../contract/job-state.ts";
import type { JobType } from "../../contract/job-types.ts";
import type { Notice } from "../../contract/notice.ts";
import type { StepState } from "../../contract/progress.ts";
import type { Environment } from "../../contract/publish.ts";
import type { Problem } from "../../contract/problem.ts";

export interface LogEntry {
  /** ISO 8601, UTC. */
  timestamp: string;
  level: string;
  message: string;
  /** Of a group's member that has ended: its job. */
  member?: { key: string; job_id: string; status: JobStatus };
}

/** What every event tells of its job. */
export interface JobState {
  /** UUID. */
  id: string;
  /** `job_…`, the same id for people. */
  job_id: string;
  status: JobStatus;
  /** Percent. */
  progress: number;
  message: string | null;
  step: string | null;
  steps: StepState[];
  /** 1, 2, …: every retry and reset opens the next. */
  generation: number;
  /** Once somebody has asked for its cancellation: how far that is. Events leave out what is null. */
  cancellation?: CancellationReceipt | null;
  /** What an operator should look at; the job goes on. */
  attention?: Attention | null;
  /** Of the step that it is in, from 1; events leave out the first. */
  attempt?: number;
  /** While what has failed waits to be tried again. ISO 8601. */
  next_attempt_at?: string | null;
  /** While something that the job or the gateway needs is away: what, and since when. */
  notice?: Notice | null;
}

/** A job that has ended. */
export interface EndedJob extends JobState {
  status: FinalStatus;
  /** As its type says (`GET /job-types`); `publishResult` knows a publish's. */
  result: Record<string, unknown> | null;
  error: string | null;
  error_code: string | null;
  errors: Problem[] | null;
}

/** A job with everything that is known of it. */
export interface Job extends JobState, Omit<EndedJob, "status"> {
  job_type: JobType;
  project: string | null;
  version: number | null;
  environment: Environment | null;
  release_id: string | null;
  result_url: string | null;
  created_at: string;
  updated_at: string;
  started_at: string | null;
  completed_at: string | null;
  cancel_requested_at: string | null;
  cancel_reason: string | null;
  cancellation: CancellationReceipt | null;
  attention: Attention | null;
  attempt: number;
  next_attempt_at: string | null;
  notice: Notice | null;
  capabilities: { cancel: boolean; retry: boolean };
  logs: LogEntry[];
}
