/** Where a job stands that an operator has reset and no worker has taken over yet. */
import { pendingSteps, type StepState } from "../../../contract/progress.ts";
import type { JobPatch, JobRow } from "../job-store.ts";
import { stepsOf } from "./attempt.ts";

/**
 * `behind`: what the new run's history has before the point of the reset. Steps up to the last of them are done, the one after it is
 * where the run goes on; progress follows. The job's last step is never behind a run that is open: the looks of a group are many activities,
 * and whatever has come about, the step ends with the job.
 */
export function stepsAfterReset(
  row: Pick<JobRow, "job_type" | "steps">,
  behind: { activities: string[]; carried: string[] },
): Pick<JobPatch, "step" | "steps" | "progress"> {
  const definitions = stepsOf(row);
  const done = new Set([...behind.carried, ...behind.activities.map((activity) => stepOfActivity(row, activity))]);
  const last = definitions.slice(0, -1).findLastIndex(({ name }) => done.has(name));
  const fresh = pendingSteps(definitions);
  const steps = fresh.map((pending, at): StepState => {
    if (at > last) return pending;
    const known = row.steps.find(({ name }) => name === pending.name);
    return known?.status === "done" ? known : { ...pending, status: "done" };
  });
  return { steps, step: definitions[last + 1]?.name ?? null, progress: definitions[last]?.percent ?? 0 };
}

/** Name of the step that is this activity in Temporal; null for one that is no step, `settle` for instance. */
export const stepOfActivity = (row: Pick<JobRow, "job_type">, activity: string): string | null =>
  stepsOf(row).find((step) => step.activity === activity)?.name ?? null;
