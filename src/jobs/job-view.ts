/** Jobs as answers and streams show them: the seeds' words beside ours. */
import { isFinal } from "../../contract/job-state.ts";
import { titleOf } from "../../contract/job-title.ts";
import type { Notice } from "../../contract/notice.ts";
import { definitionOf } from "../../contract/job-types.ts";
import type { Environment } from "../../contract/publish.ts";
import { readableJobId } from "../../contract/workflow-id.ts";
import { iso } from "../db.ts";
import { isRetryable } from "./protocol/retry.ts";
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
  /** A signed link to an artifact. */
  download(artifactId: string): string;
}

export function jobLinks(
  job: Pick<JobRecord, "id" | "workflow_id">,
  bases: Pick<LinkBases, "gateway" | "temporal_ui" | "namespace">,
) {
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
export function statusView(job: JobRecord, notice: Notice | null) {
  return {
    ...ids(job.id),
    status: job.status,
    progress: job.progress,
    message: job.message,
    step: job.step,
    generation: job.generation,
    error: job.error,
    notice,
    updated_at: iso(job.updated_at),
    completed_at: iso(job.completed_at),
  };
}

/** What keeps a job from going straight on, and when it is there, in the frames of streams: what is null, and a first attempt, is left out there. */
export function trialsView(job: JobRecord) {
  const cancellation = cancellationReceipt(job);
  const next_attempt_at = iso(job.next_attempt_at);
  return {
    ...(cancellation ? { cancellation } : {}),
    ...(job.attention ? { attention: job.attention } : {}),
    ...(job.attempt > 1 ? { attempt: job.attempt } : {}),
    ...(next_attempt_at ? { next_attempt_at } : {}),
    ...(job.eta ? { eta: job.eta } : {}),
  };
}

/** Where what a job has made is found: a publish's release, any other's artifact; or null. */
function resultUrlOf({ result }: JobRecord, bases: LinkBases): string | null {
  const release = result?.["release_url"];
  if (typeof release === "string") return bases.gateway + release;
  const artifact = result?.["artifact"];
  const id = typeof artifact === "object" && artifact !== null ? (artifact as { id?: unknown }).id : artifact;
  return typeof id === "string" ? bases.download(id) : null;
}

/** `{name}` of the type's link, filled from the job; null where the job has not what it names. */
function resourceUrlOf(job: JobRecord, link: string | null, bases: LinkBases): string | null {
  if (link === null) return null;
  let known = true;
  const path = link.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = Object.hasOwn(job, name) ? job[name as keyof JobRecord] : job.result?.[name];
    known &&= typeof value === "string" || typeof value === "number";
    return encodeURIComponent(String(value));
  });
  return known ? bases.gateway + path : null;
}

/** What was asked for beside the payload, and what comes of it. */
function termsView(job: JobRecord, bases: LinkBases) {
  const parent = job.parent_id;
  return {
    title: job.title,
    /** As people call it, whether or not the request has named it. */
    name: titleOf(job.job_type, job.title, { ...job, environment: job.environment as Environment | null }),
    priority: job.priority,
    deadline_at: iso(job.deadline_at),
    expires_at: iso(job.expires_at),
    max_retries: job.max_retries ?? definitionOf(job.job_type).max_retries,
    parent: parent && {
      id: parent,
      job_id: readableJobId(parent),
      key: job.member_key,
      link: `${bases.gateway}/jobs/${parent}`,
    },
    discarded:
      job.discarded_at === null
        ? null
        : { at: iso(job.discarded_at), by: job.discarded_by_name, reason: job.discard_reason },
  };
}

/** Everything but the logs. */
export function jobView(job: JobRecord, bases: LinkBases) {
  const { capabilities, label, task_queue, resource_link } = definitionOf(job.job_type);
  const resultUrl = resultUrlOf(job, bases);
  return {
    ...ids(job.id),
    job_type: job.job_type,
    type: job.job_type,
    label,
    queue: task_queue,
    status: job.status,
    progress: job.progress,
    message: job.message,
    step: job.step,
    steps: job.steps,
    generation: job.generation,
    retry_count: job.generation - 1,
    ...termsView(job, bases),
    payload: job.payload,
    result: job.result,
    member_counts: job.members,
    result_url: resultUrl,
    download_url: resultUrl,
    resource_url: resourceUrlOf(job, resource_link, bases),
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
    eta: job.eta ?? null,
    size: job.size,
    /** What can be asked of the job now. */
    capabilities: {
      cancel: capabilities.cancel && !isFinal(job.status) && job.switched_at === null,
      retry: capabilities.retry && isRetryable(job),
    },
    workflow_id: job.workflow_id,
    run_id: job.run_id,
    links: jobLinks(job, bases),
  };
}

/** With all logs, and with why less is known than usual: `GET /jobs/{id}`. */
export function jobDetail(
  job: JobRecord,
  { logs, notice }: { logs: LogEntry[]; notice: Notice | null },
  bases: LinkBases,
) {
  return { ...jobView(job, bases), notice, logs };
}
