/** A job type as `GET /job-types` shows it: a row of the table, with what is reckoned from it. */
import { definitionOf, JOB_TYPES, type JobType } from "../../contract/job-types.ts";
import type { StepDefinition } from "../../contract/job-type-definition.ts";

export const jobTypes = (): JobType[] => Object.keys(JOB_TYPES) as JobType[];

export function jobTypeView(type: JobType) {
  const { task_queue, workflow: _, ...row } = definitionOf(type);
  const steps: readonly StepDefinition[] = row.steps;
  return {
    type,
    ...row,
    queue: task_queue,
    steps: steps.map(({ name, label, percent, stall_seconds }, at) => ({
      ...{ name, label, percent, stall_seconds },
      weight: weightOf(steps, at),
    })),
  };
}

export type JobTypeView = ReturnType<typeof jobTypeView>;

/** Percent of the job that the step is. */
function weightOf(steps: readonly StepDefinition[], at: number): number {
  return (steps[at]?.percent ?? 0) - (steps[at - 1]?.percent ?? 0);
}
