/** The last part of a claim, a continuation and an adoption: the attempt is in. */
import { percentWithin } from "../../../contract/progress.ts";
import type { Db } from "../../db.ts";
import { updateJob, type JobPatch, type JobRow } from "../job-store.ts";
import { appendEvent } from "../ledger-store.ts";
import { enteringStep, stepsOf, type Attempt, type Entered, type Grip } from "./attempt.ts";

/** `step`: name of the step that begins, or null for `settle`, which is not one. `message`: what the watcher reads. */
export interface StepEntry {
  step: string | null;
  message: string;
}

/** Writes that `attempt` works on the row now, and its step event. */
export async function entered(
  tx: Db,
  row: JobRow,
  attempt: Attempt,
  entry: StepEntry,
  patch: JobPatch,
): Promise<Entered> {
  const grip: Grip = {
    job_id: row.id,
    run_id: attempt.run_id,
    attempt_at: attempt.attempt_at,
    generation: patch.generation ?? row.generation,
  };
  // Another attempt of the step that runs already is no news: waiting for a store, there is one every 15 s.
  const isAgain =
    patch.run_id === undefined &&
    row.attempt_at > 0 &&
    entry.step !== null &&
    row.step === entry.step &&
    row.steps.some(({ name, status }) => name === entry.step && status === "running");
  const steps = entry.step === null ? row.steps : enteringStep(row, entry.step);
  const progress = entry.step === null ? row.progress : percentWithin(stepsOf(row), entry.step, 0);
  await updateJob(tx, row.id, {
    attempt_at: attempt.attempt_at,
    report: 0,
    // What keeps a step waiting is told until it goes on; its first report replaces it.
    ...(isAgain ? {} : { message: entry.message }),
    ...(entry.step === null ? {} : { step: entry.step, steps, progress }),
    last_activity_at: "now",
    ...patch,
  });
  if (entry.step !== null && !isAgain) {
    await appendEvent(tx, row.id, "step", { step: entry.step, status: "running", progress, message: entry.message });
  }
  const now = { ...row, ...grip, status: "running" as const, step: entry.step ?? row.step, steps, progress };
  return { kind: "entered", grip, row: now };
}
