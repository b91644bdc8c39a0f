/** Progress: percent of a job and states of its steps. */
import type { StepDefinition } from "./job-type-definition.ts";

export type StepStatus = "pending" | "running" | "done" | "failed";

export interface StepState {
  name: string;
  label: string;
  status: StepStatus;
  started_at?: string;
  finished_at?: string;
}

/** What the workflow answers to the query `progress`. */
export interface WorkflowProgress {
  /** The run that says so; absent in answers of workers of before 0.2. */
  run_id?: string;
  step: string | null;
  percent: number;
  steps: { name: string; status: StepStatus }[];
}

/** Percent of the job when `fraction` (0 to 1) of `step` is done; an unknown step gives 0. */
export function percentWithin(steps: readonly StepDefinition[], step: string, fraction: number): number {
  const index = steps.findIndex((each) => each.name === step);
  const current = steps[index];
  if (!current) return 0;
  const start = steps[index - 1]?.percent ?? 0;
  const share = Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0));
  return Math.floor(start + (current.percent - start) * share);
}

export function pendingSteps(steps: readonly StepDefinition[]): StepState[] {
  return steps.map(({ name, label }) => ({ name, label, status: "pending" }));
}
