/** Shapes of jobs in answers, for the description. */
import { z } from "zod";
import { ATTENTION_CODES } from "../../../contract/attention.ts";
import { CANCELLATION_STAGES } from "../../../contract/cancellation.ts";
import { JOB_STATUSES } from "../../../contract/job-state.ts";
import { JOB_TYPES, type JobType } from "../../../contract/job-types.ts";
import { NOTICE_CODES } from "../../../contract/notice.ts";

export const jobStatus = z.enum(JOB_STATUSES).meta({ id: "JobStatus" });

export const jobType = z.enum(Object.keys(JOB_TYPES) as [JobType, ...JobType[]]).meta({ id: "JobType" });

const time = z.iso.datetime();

export const problem = z
  .object({ code: z.string(), path: z.string(), message: z.string(), value: z.unknown().optional() })
  .meta({ id: "ProblemItem", description: "`path` is a JSON pointer" });

const logEntry = z
  .object({
    timestamp: time,
    level: z.string(),
    message: z.string(),
    member: z
      .object({ key: z.string(), job_id: z.uuid(), status: jobStatus })
      .optional()
      .meta({ description: "Of a group that has ended" }),
  })
  .meta({ id: "LogEntry" });

const step = z
  .object({
    name: z.string(),
    label: z.string(),
    status: z.enum(["pending", "running", "done", "failed"]),
    started_at: time.optional(),
    finished_at: time.optional(),
  })
  .meta({ id: "Step" });

const links = z
  .object({
    self: z.url(),
    status: z.url(),
    stream: z.url(),
    events: z.url(),
    cancel: z.url(),
    retry: z.url(),
    workflow: z.url().meta({ description: "In the Temporal Web UI" }),
  })
  .meta({ id: "JobLinks" });

const cancellation = z
  .object({
    stage: z.enum(CANCELLATION_STAGES),
    requested_at: time,
    requested_by: z.string().nullable(),
    reason: z.string().nullable(),
    acknowledged_at: time.nullable(),
    stopped_at: time.nullable(),
    compensated_at: time.nullable(),
    deadline_at: time.nullable().meta({ description: "When the job is terminated if it has not stopped by then" }),
    terminated_at: time.nullable(),
    outcome: z.enum(["pending", "cancelled", "too_late"]),
  })
  .meta({ id: "CancellationReceipt" });

const attention = z
  .object({ code: z.enum(ATTENTION_CODES), message: z.string(), since: time })
  .meta({ id: "Attention" });

const notice = z
  .object({ code: z.enum(NOTICE_CODES), message: z.string(), since: time })
  .nullable()
  .meta({ id: "Notice", description: "Why less is known than usual; null for nothing, and of a job that has ended" });

const ids = {
  id: z.uuid(),
  job_id: z.string().meta({ description: "`job_<32 hex>`, the same id for humans" }),
  jobId: z.string(),
};

export const jobAccepted = z
  .object({
    ...ids,
    type: jobType,
    status: jobStatus,
    message: z.string().nullable(),
    generation: z.int(),
    created_at: time,
    links,
  })
  .meta({ id: "JobAccepted" });

export const jobStatusView = z
  .object({
    ...ids,
    status: jobStatus,
    progress: z.int().min(0).max(100),
    message: z.string().nullable(),
    step: z.string().nullable(),
    generation: z.int(),
    error: z.string().nullable(),
    notice,
    updated_at: time,
    completed_at: time.nullable(),
  })
  .meta({ id: "JobStatusView" });

export const job = z
  .object({
    ...ids,
    job_type: jobType,
    type: jobType,
    label: z.string().meta({ description: "Of the type" }),
    queue: z.string().meta({ description: "Which workers take it" }),
    status: jobStatus,
    progress: z.int().min(0).max(100),
    message: z.string().nullable(),
    step: z.string().nullable(),
    steps: z.array(step),
    generation: z.int().meta({ description: "1, 2, …: every retry and reset opens the next" }),
    retry_count: z.int(),
    title: z.string().nullable().meta({ description: "As the request has it" }),
    name: z.string().meta({ description: "The title, or what type and target say" }),
    priority: z.int().min(1).max(5),
    deadline_at: time.nullable().meta({ description: "A job that has not ended by then is ended as failed" }),
    expires_at: time.nullable().meta({ description: "The job may be removed from then on" }),
    max_retries: z.int(),
    parent: z
      .object({ id: z.uuid(), job_id: z.string(), key: z.string().nullable(), link: z.url() })
      .nullable()
      .meta({ description: "The job that started it, and which of its children it is" }),
    discarded: z
      .object({ at: time, by: z.string().nullable(), reason: z.string().nullable() })
      .nullable()
      .meta({ description: "A dead letter that was put away" }),
    payload: z.record(z.string(), z.unknown()),
    result: z.record(z.string(), z.unknown()).nullable(),
    member_counts: z
      .record(z.string(), z.int())
      .nullable()
      .meta({ description: "Of a group: how many members are in which state" }),
    result_url: z.url().nullable(),
    download_url: z.url().nullable(),
    resource_url: z.url().nullable().meta({ description: "What the job is about" }),
    error: z.string().nullable(),
    error_code: z.string().nullable(),
    errors: z.array(problem).nullable(),
    project: z.string().nullable(),
    project_id: z.uuid().nullable(),
    version: z.int().nullable(),
    version_id: z.uuid().nullable(),
    environment: z.string().nullable(),
    release_id: z.string().nullable(),
    created_by: z.object({ id: z.uuid(), name: z.string().nullable() }).nullable(),
    created_at: time,
    updated_at: time,
    started_at: time.nullable(),
    completed_at: time.nullable(),
    last_activity_at: time
      .nullable()
      .meta({ description: "When progress was last made; heartbeats alone do not count" }),
    cancel_requested_at: time.nullable(),
    cancel_reason: z.string().nullable(),
    cancellation: cancellation.nullable().meta({ description: "Null while nobody has asked for it" }),
    attention: attention.nullable().meta({ description: "What an operator should look at; the job goes on" }),
    attempt: z.int().meta({ description: "Of the step's activity, from 1; 0 before the first" }),
    next_attempt_at: time.nullable().meta({ description: "When what has just failed is tried again" }),
    eta: z.object({ at: time, low: time, high: time }).nullable().meta({
      id: "Eta",
      description: "When it will be done; eight in ten of such jobs are between low and high. Null: nobody can say",
    }),
    size: z.number().nullable().meta({ description: "What there is to do, in the type's own unit" }),
    capabilities: z.object({ cancel: z.boolean(), retry: z.boolean() }),
    workflow_id: z.string(),
    run_id: z.string().nullable(),
    links,
  })
  .meta({ id: "Job" });

export const jobDetail = job.extend({ notice, logs: z.array(logEntry) }).meta({ id: "JobDetail" });
