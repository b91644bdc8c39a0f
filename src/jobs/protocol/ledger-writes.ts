/**
 * leave, log: what an attempt writes between entering and leaving, awaited, so that it is durable before the work goes on.
 * A refused write throws `superseded`, which Temporal retries: a live attempt enters again, a zombie's answer reaches nobody.
 */
import type { FailureCode } from "../../../contract/failures.ts";
import { transaction } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob, updateJob } from "../job-store.ts";
import { appendEvent, hasTold } from "../ledger-store.ts";
import { finishedStep, isMine, stepsOf, type Grip, type ProtocolDeps } from "./attempt.ts";

/** Above every number that a report can have: PostgreSQL's largest int. */
const LAST_REPORT = 2_147_483_647;

type Deps = Pick<ProtocolDeps, "database" | "notifier">;

/** Ends the step: progress reaches its percentage, `message` is its log entry. */
export async function leaveStep(deps: Deps, grip: Grip, step: string, message: string): Promise<void> {
  await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (!row || !isMine(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    const progress = stepsOf(row).find((each) => each.name === step)?.percent ?? row.progress;
    const steps = finishedStep(row.steps, step, "done");
    // No report of this attempt comes after it, though one may still be on its way in the mirror's batch.
    await updateJob(tx, row.id, { progress, message, steps, report: LAST_REPORT, last_activity_at: "now" });
    await appendEvent(tx, row.id, "log", { level: "info", message, step });
    await appendEvent(tx, row.id, "step", { step, status: "done", progress, message });
  });
  deps.notifier.touch(grip.job_id);
}

/** Between two entries about the same trouble: an attempt every 15 s would fill the log of a job that waits for a night. */
const REMIND_MINUTES = 60;

/** Says what keeps the step from going on, for as long as it is tried again. A row that is another's by now stays as it is. */
export async function noteTrouble(
  deps: Deps,
  grip: Grip,
  trouble: { code: FailureCode; message: string; step: string | null },
): Promise<void> {
  await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (!row || !isMine(row, grip)) return;
    const { code, message, step } = trouble;
    // No report of this attempt comes after it, though one may still be on its way in the mirror's batch.
    await updateJob(tx, row.id, { message, report: LAST_REPORT });
    if (await hasTold(tx, row.id, { code, step, minutes: REMIND_MINUTES })) return;
    await appendEvent(tx, row.id, "log", { level: "warn", message, step, code });
  });
  deps.notifier.touch(grip.job_id);
}

/** One log entry. `level`: info, warn or error. */
export async function logEntry(
  deps: Deps,
  grip: Grip,
  entry: { level: string; message: string; step?: string },
): Promise<void> {
  await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (!row || !isMine(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    await appendEvent(tx, row.id, "log", { ...entry });
  });
  deps.notifier.touch(grip.job_id);
}
