/** enterStep: claims, continues, adopts or stops. Every activity begins with it. */
import { isFinal } from "../../../contract/job-state.ts";
import { percentWithin } from "../../../contract/progress.ts";
import type { PublishResult } from "../../../contract/publish.ts";
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob, updateJob, type JobPatch, type JobRow } from "../job-store.ts";
import { appendEvent } from "../ledger-store.ts";
import { adopt } from "./adopt.ts";
import { enteringStep, stepsOf, type Attempt, type Entered, type Grip, type ProtocolDeps } from "./attempt.ts";

/** `step`: name of the step that begins, or null for `settle`, which is not one. `message`: what the watcher reads. */
export interface StepEntry {
  step: string | null;
  message: string;
}

type Look = Entered | { kind: "not_mine"; run_id: string | null; generation: number };

/** Loops only while the row changes under an adoption, which takes a reset or a retry each time. */
export async function enterStep(deps: ProtocolDeps, attempt: Attempt, entry: StepEntry): Promise<Entered> {
  for (;;) {
    const look = await transaction(deps.database, (tx) => lookAtRow(tx, attempt, entry));
    const outcome = look.kind === "not_mine" ? await adopt(deps, attempt, look, entry) : look;
    if (outcome.kind === "changed") continue;
    if (outcome.kind === "entered" || outcome.kind === "guard_lost") deps.notifier.touch(attempt.job_id);
    return outcome;
  }
}

async function lookAtRow(tx: Db, attempt: Attempt, entry: StepEntry): Promise<Look> {
  const row = await lockJob(tx, attempt.job_id);
  if (!row) throw new AppError("job_not_found", { job: attempt.job_id });
  const started_for_this = attempt.generation === row.generation;

  if (row.status === "queued" && started_for_this) {
    await appendEvent(tx, row.id, "status", { status: "running", generation: row.generation, message: entry.message });
    return entered(tx, row, attempt, entry, { status: "running", run_id: attempt.run_id, started_at: "now" });
  }
  if (row.status === "cancelled" && (row.run_id === attempt.run_id || (!attempt.reset && started_for_this))) {
    return ended(row);
  }
  if (row.run_id === attempt.run_id) {
    if (row.status === "queued" || isFinal(row.status)) return ended(row);
    if (row.attempt_at > attempt.attempt_at) return { kind: "stop" };
    return entered(tx, row, attempt, entry, {});
  }
  if (!attempt.reset) return { kind: "end", status: "superseded" };
  return { kind: "not_mine", run_id: row.run_id, generation: row.generation };
}

const ended = (row: JobRow): Entered => ({
  kind: "end",
  status: row.status,
  ...(row.status === "completed" && row.result ? { result: row.result as unknown as PublishResult } : {}),
});

/** Writes that `attempt` works on the row now, and its step event. Also the last part of an adoption. */
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
  const steps = entry.step === null ? row.steps : enteringStep(row, entry.step);
  const progress = entry.step === null ? row.progress : percentWithin(stepsOf(row), entry.step, 0);
  await updateJob(tx, row.id, {
    attempt_at: attempt.attempt_at,
    report: 0,
    message: entry.message,
    ...(entry.step === null ? {} : { step: entry.step, steps, progress }),
    last_activity_at: "now",
    ...patch,
  });
  if (entry.step !== null) {
    await appendEvent(tx, row.id, "step", { step: entry.step, status: "running", progress, message: entry.message });
  }
  const now = { ...row, ...grip, status: "running" as const, step: entry.step ?? row.step, steps, progress };
  return { kind: "entered", grip, row: now };
}
