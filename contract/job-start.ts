/** How a run of a job is started, in plain data: the same whether a client does it (src/temporal.ts) or a parent's workflow (workflows/start-child.ts). */
import { fairnessKey } from "./fairness-key.ts";
import type { JobInput } from "./job-input.ts";
import { titleOf } from "./job-title.ts";
import { definitionOf, type JobType } from "./job-types.ts";
import { isThrottled } from "./permits.ts";
import { JOB_URL_MEMO, SEARCH_ATTRIBUTES, SEARCH_ATTRIBUTE_TYPES } from "./messages.ts";

export interface StartOptions {
  job_type: JobType;
  workflow_id: string;
  /** What people call the job; null for what its type and target say. */
  title: string | null;
  /** Temporal's: 1 first, 5 last. */
  priority: number;
  input: JobInput;
}

/** Where it is started. */
export interface Installation {
  /** Begins the names of its task queues. */
  taskQueuePrefix: string;
  /** Where people reach the gateway; without it there is no link from the workflow to its job. */
  publicUrl?: string | undefined;
}

export interface RunStart {
  /** Temporal's workflow type. */
  workflow: string;
  workflow_id: string;
  task_queue: string;
  input: JobInput;
  /** A closed run of generation 1 is never started again; a retry's generation is. */
  reuse: "REJECT_DUPLICATE" | "ALLOW_DUPLICATE";
  run_timeout_seconds: number;
  /** Between tenants in turn, and of one tenant's jobs the more urgent first. */
  priority: { priorityKey: number; fairnessKey: string };
  memo: Record<string, unknown>;
  search_attributes: { name: string; type: "Keyword" | "Int"; value: string | number }[];
  /** What an operator reads of the run without opening payloads. */
  summary: string;
  details: string;
}

/** Waiting in line is part of the run and no work: what a throttled type may take begins with its permit, and is held by its activities' limits. */
const LINE_SECONDS = 7 * 86_400;

/** How long one run may be open: what its type may take, and the line. */
export const runSecondsOf = (type: JobType): number =>
  definitionOf(type).timeout_seconds + (isThrottled(type) ? LINE_SECONDS : 0);

export function runStartOf(options: StartOptions, { taskQueuePrefix, publicUrl }: Installation): RunStart {
  const { job_type, workflow_id, title, priority, input } = options;
  const definition = definitionOf(job_type);
  const what = titleOf(job_type, title, input);
  const url = publicUrl && `${publicUrl.replace(/\/+$/, "")}/jobs/${input.job_id}`;
  const job = url ? `[${input.job_id}](${url})` : input.job_id;
  return {
    workflow: definition.workflow,
    workflow_id,
    task_queue: `${taskQueuePrefix}${definition.task_queue}`,
    input,
    reuse: input.generation === 1 ? "REJECT_DUPLICATE" : "ALLOW_DUPLICATE",
    run_timeout_seconds: runSecondsOf(job_type),
    priority: { priorityKey: priority, fairnessKey: fairnessKey(input.tenant) },
    memo: { job_id: input.job_id, generation: input.generation, ...(url ? { [JOB_URL_MEMO]: url } : {}) },
    search_attributes: searchAttributesOf(job_type, input),
    summary: `${what}, by ${input.started_by}`,
    details: [
      `**${definition.label}: ${what}**`,
      `started by ${input.started_by} (tenant ${input.tenant}), job ${job}, generation ${input.generation}`,
    ].join("\n\n"),
  };
}

function searchAttributesOf(job_type: JobType, input: JobInput): RunStart["search_attributes"] {
  const { project, version, environment, tenant, started_by } = input;
  const values = { project, version, environment, job_type, tenant, started_by };
  return (Object.keys(values) as (keyof typeof values)[]).flatMap((key) => {
    const value = values[key];
    return value === null ? [] : [{ name: SEARCH_ATTRIBUTES[key], type: SEARCH_ATTRIBUTE_TYPES[key], value }];
  });
}
