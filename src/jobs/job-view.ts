/** Jobs as answers and streams show them: the seeds' words beside ours. */
import { isFinal } from "../../contract/job-state.ts";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { readableJobId } from "../../contract/workflow-id.ts";
import { iso } from "../db.ts";
import { cancellationReceipt } from "./cancellation-receipt.ts";
import type { JobRecord } from "./job-queries-store.ts";
import type { LogEntry } from "./job-moments.ts";

/** What links begin with. */
export interface LinkBases {
  /** The gateway, without a slash at the end. */
  gateway: string;
  /** The Temporal Web UI, likewise. */
  temporal_ui: string;
  namespace: string;
}

export function jobLinks(job: Pick<JobRecord, "id" | "workflow_id">, bases: LinkBases) {
  const self = `${bases.gateway}/jobs/${job.id}`;
  return {
    self,
    status: `${self}/status`,
    stream: `${self}/stream`,
    events: `${self}/events`,
    cancel: `${self}/cancel`,
    retry: `${self}/retry`,
    workflow: `${bases.temporal_ui}/namespaces/${encodeURIComponent(bases.namespace)}/workflows/${job.workflow_id}`,
  };
}

const ids = (id: string) => ({ id, job_id: readableJobId(id), jobId: readableJobId(id) });

/** Small: what a poller needs. */
export function statusView(job: JobRecord) {
  return {
    ...ids(job.id),
    status: job.status,
    progress: job.progress,
    message: job.message,
    step: job.step,
    generation: job.generation,
    error: job.error,
    updated_at: iso(job.updated_at),
    completed_at: iso(job.completed_at),
  };
}

/** What keeps a job from going straight on, in the frames of streams: what is null, and a first attempt, is left out there. */
export function trialsView(job: JobRecord) {
  const cancellation = cancellationReceipt(job);
  const next_attempt_at = iso(job.next_attempt_at);
  return {
    ...(cancellation ? { cancellation } : {}),
    ...(job.attention ? { attention: job.attention } : {}),
    ...(job.attempt > 1 ? { attempt: job.attempt } : {}),
    ...(next_attempt_at ? { next_attempt_at } : {}),
  };
}

/** Everything but the logs. */
export function jobView(job: JobRecord, bases: LinkBases) {
  const releaseUrl = job.result?.["release_url"];
  const resultUrl = typeof releaseUrl === "string" ? `${bases.gateway}${releaseUrl}` : null;
  const { capabilities } = JOB_TYPES[job.job_type];
  return {
    ...ids(job.id),
    job_type: job.job_type,
    type: job.job_type,
    status: job.status,
    progress: job.progress,
    message: job.message,
    step: job.step,
    steps: job.steps,
    generation: job.generation,
    retry_count: job.generation - 1,
    payload: job.payload,
    result: job.result,
    result_url: resultUrl,
    download_url: resultUrl,
    error: job.error,
    error_code: job.error_code,
    errors: job.errors,
    project: job.project,
    project_id: job.project_id,
    version: job.version,
    version_id: job.version_id,
    environment: job.environment,
    release_id: job.release_id,
    created_by: job.created_by === null ? null : { id: job.created_by, name: job.created_by_name },
    created_at: iso(job.created_at),
    updated_at: iso(job.updated_at),
    started_at: iso(job.started_at),
    completed_at: iso(job.completed_at),
    last_activity_at: iso(job.last_activity_at),
    cancel_requested_at: iso(job.cancel_requested_at),
    cancel_reason: job.cancel_reason,
    cancellation: cancellationReceipt(job),
    attention: job.attention,
    attempt: job.attempt,
    next_attempt_at: iso(job.next_attempt_at),
    /** What can be asked of the job now. */
    capabilities: {
      cancel: capabilities.cancel && !isFinal(job.status) && job.switched_at === null,
      retry: capabilities.retry && (job.status === "failed" || job.status === "cancelled"),
    },
    workflow_id: job.workflow_id,
    run_id: job.run_id,
    links: jobLinks(job, bases),
  };
}

/** With all logs: `GET /jobs/{id}`. */
export function jobDetail(job: JobRecord, logs: LogEntry[], bases: LinkBases) {
  return { ...jobView(job, bases), logs };
}
