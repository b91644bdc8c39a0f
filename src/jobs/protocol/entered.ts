/** The last part of a claim, a continuation and an adoption: the attempt is in. */
import { percentWithin } from "../../../contract/progress.ts";
import type { JobPatch, JobRow } from "../job-store.ts";
import type { NewEvent } from "../job-writes-store.ts";
import { enteringStep, stepsOf, type Attempt, type Entered, type Grip } from "./attempt.ts";

/** `step`: name of the step that begins, or null for `settle`, which is not one. `message`: what the watcher reads. */
export interface StepEntry {
  step: string | null;
  message: string;
  /** Entering a step that runs already leaves its progress as it is: the step is more than one activity. */
  keeps?: "progress";
}

/** What is to be written so that `attempt` works on the row, with its step event; and what is answered once it is. */
export interface Entering {
  patch: JobPatch;
  events: NewEvent[];
  outcome: Extract<Entered, { kind: "entered" }>;
}

export function entering(row: JobRow, attempt: Attempt, entry: StepEntry, patch: JobPatch): Entering {
  const { run_id, attempt_at, number = 1 } = attempt;
  const generation = patch.generation ?? row.generation;
  const step = entry.step ?? row.step;
  const steps = entry.step === null ? row.steps : enteringStep(row, entry.step, attempt_at);
  const { job_type, environment } = row;
  const grip: Grip = { job_id: row.id, run_id, attempt_at, generation, held: { job_type, environment, step, steps } };
  // Another attempt of a step that runs already is no news, and there is one every 15 s while it waits for a store. What keeps it
  // waiting stays its message until its first report.
  const isAgain =
    // A run that continues another is no news either.
    (patch.run_id === undefined || (patch.generation === undefined && (patch.segment ?? 0) > row.segment)) &&
    row.attempt_at > 0 &&
    entry.step !== null &&
    entry.step === row.step &&
    row.steps.some(({ name, status }) => name === entry.step && status === "running");
  const keeps = entry.step === null || (isAgain && entry.keeps === "progress");
  const progress = keeps || entry.step === null ? row.progress : percentWithin(stepsOf(row), entry.step, 0);
  const told = { step, status: "running", progress, message: entry.message };
  return {
    patch: {
      ...{ attempt_at, report: 0, attempt: number, next_attempt_at: null },
      ...(isAgain ? {} : { message: entry.message }),
      ...(entry.step === null ? {} : { step, steps, progress }),
      last_activity_at: "now",
      ...patch,
    },
    events: entry.step === null || isAgain ? [] : [{ kind: "step", data: told }],
    outcome: {
      ...{ kind: "entered", grip, again: isAgain },
      row: {
        ...row,
        run_id,
        segment: patch.segment ?? row.segment,
        attempt_at,
        generation,
        status: "running",
        step,
        steps,
        progress,
      },
    },
  };
}
