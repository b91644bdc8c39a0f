/** The table of job types: start reading here. */
import { PUBLISH_STEPS } from "./publish.ts";

export interface StepDefinition {
  /** snake_case; what `jobs.step` and the stream say. */
  name: string;
  label: string;
  /** The job's progress in percent once this step is done. */
  percent: number;
  /** Without progress for longer than this, a job in this step is flagged as stalled. */
  stall_seconds: number;
}

export interface JobTypeDefinition {
  label: string;
  /** Export of `workflows/index.ts` and Temporal's workflow type. */
  workflow: string;
  task_queue: string;
  steps: readonly StepDefinition[];
  capabilities: { cancel: boolean; retry: boolean };
}

export const JOB_TYPES = {
  publish: {
    label: "Publish",
    workflow: "publish",
    task_queue: "publish",
    steps: PUBLISH_STEPS,
    capabilities: { cancel: true, retry: true },
  },
} as const satisfies Record<string, JobTypeDefinition>;

export type JobType = keyof typeof JOB_TYPES;
