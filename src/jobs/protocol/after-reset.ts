/** Where a job stands that an operator has reset and no worker has taken over yet. */
import { pendingSteps, type StepState } from "../../../contract/progress.ts";
import type { JobPatch, JobRow } from "../job-store.ts";
import { stepsOf } from "./attempt.ts";

/**
 * `behind`: what the new run's history has before the point of the reset. Steps up to the last of them are done, the one after it is
 * where the run goes on; progress follows.
 */
export function stepsAfterReset(
  row: Pick<JobRow, "job_type" | "steps">,
  behind: { activities: string[]; carried: string[] },
): Pick<JobPatch, "step" | "steps" | "progress"> {
  const definitions = stepsOf(row);
  const done = new Set([...behind.carried, ...behind.activities.map(stepOfActivity)]);
  const last = definitions.findLastIndex(({ name }) => done.has(name));
  const fresh = pendingSteps(definitions);
  const steps = fresh.map((pending, at): StepState => {
    if (at > last) return pending;
    const known = row.steps.find(({ name }) => name === pending.name);
    return known?.status === "done" ? known : { ...pending, status: "done" };
  });
  const next = definitions[last + 1] ?? definitions.at(-1);
  // The last percent is the final state's.
  return { steps, step: next?.name ?? null, progress: Math.min(99, definitions[last]?.percent ?? 0) };
}

/** `verifyTiles` → `verify_tiles`: an activity's name in Temporal and its step's in our records. */
export const stepOfActivity = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
