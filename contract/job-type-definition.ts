/** What the table of job types says of each. */
import type { JsonSchema } from "./json-schema.ts";

export interface StepDefinition {
  /** snake_case; what `jobs.step` and the stream say. */
  name: string;
  /** Export of `activities/index.ts` and Temporal's name of it. Once it has completed the step is done; the last step is with the job. */
  activity: string;
  label: string;
  /** The job's progress in percent once this step is done: the phase's weight is what lies between it and the step before. */
  percent: number;
  /** Without progress for longer than this, a job in this step is flagged as stalled. */
  stall_seconds: number;
  /** What it yields does not depend on the draft: a retry goes on behind it, however the draft has been edited since. */
  independent?: true;
}

/** Temporal task queues, one per capability: what a worker needs to have and to be, decides which of them it serves. */
export const QUEUES = ["publish", "render", "import", "documents", "maintenance"] as const;

export type Queue = (typeof QUEUES)[number];

/**
 * What a job is about, and what its payload must name.
 *
 *   draft    `project` and `version`, which can still be changed
 *   version  `project` and `version`
 *   project  `project`
 *   tenant   nothing
 *
 * With a `?` the payload may also name less.
 */
export type Resource = "draft" | "draft?" | "version" | "version?" | "project" | "tenant";

/** `{name}` in the texts is filled from the job: project, version, environment, title, and fields of its result. */
export interface JobTypeDefinition {
  label: string;
  /** One sentence, for people who choose what to start. */
  description: string;
  /** Name of a Lucide icon. */
  icon: string;
  /** Name of a palette (Tailwind's). */
  color: string;
  /** Export of `workflows/index.ts` and Temporal's workflow type. */
  workflow: string;
  task_queue: Queue;
  resource: Resource;
  /** Path of the page or document that the job is about; null for none. */
  resource_link: string | null;
  /** Types of the jobs that it starts itself. */
  child_types: readonly string[];
  /**
   * JSON pointers into the payload, `*` for each of a list: where it names an upload. Those are there when a job is accepted, and stay for as
   * long as it may wait and work.
   */
  uploads: readonly string[];
  steps: readonly StepDefinition[];
  /** Role that a principal needs to start one. */
  role: "operator" | "admin";
  /** `throttled`: how many run at a time per tenant and queue; null for any number. */
  capabilities: { cancel: boolean; retry: boolean; throttled: number | null };
  /**
   * Seconds that one run may take; then Temporal ends it and the job has failed with `timed_out`. A throttled type's run has a week more, for
   * the line (contract/job-start.ts), and its steps share this time (workflows/activity-options.ts, `writingInTurn`).
   */
  timeout_seconds: number;
  /** What the job may be retried, by itself (not yet) or by hand, before it is a dead letter; a request may say less. */
  max_retries: number;
  /**
   * What `jobs.size` counts, which an activity notes as soon as it knows: by it past runs are compared with a running one (docs/eta.md). Null for a type
   * whose runs do not differ by anything that is known before.
   */
  size_unit: string | null;
  toasts: { completed: string; failed: string };
  /** Of `payload` in the request. */
  payload: JsonSchema;
  /** Of `result` in the job. */
  result: JsonSchema;
}
