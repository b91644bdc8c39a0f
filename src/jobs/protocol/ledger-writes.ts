/**
 * leave, log, demand: what an attempt writes between entering and leaving, awaited, so that it is durable before the work goes on.
 * A refused write throws `superseded`, which Temporal retries: a live attempt enters again, a zombie's answer reaches nobody.
 */
import type { FailureCode } from "../../../contract/failures.ts";
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob, type JobPatch } from "../job-store.ts";
import { hasTold } from "../ledger-store.ts";
import { writeJob, type NewEvent, type StepYield } from "../job-writes-store.ts";
import { LAST_REPORT } from "../progress-store.ts";
import { endedMeanwhile, finishedStep, isMine, mine, stepsOf, type Grip, type ProtocolDeps } from "./attempt.ts";

type Deps = Pick<ProtocolDeps, "database" | "notifier">;

/**
 * Ends the step: progress reaches its percentage, `message` is its log entry, and what it yielded is kept for a retry that goes on
 * behind it, all in one statement: a step that is done has its result, and one that is not has not.
 */
export async function leaveStep(
  deps: Deps,
  grip: Grip,
  step: string,
  message: string,
  yielded?: Omit<StepYield, "step">,
): Promise<void> {
  const progress = stepsOf(grip.held).find((each) => each.name === step)?.percent ?? 0;
  const steps = finishedStep(grip.held.steps, step, "done");
  // No report of this attempt comes after it, though one may still be on its way in the mirror's batch.
  const patch: JobPatch = { progress, message, steps, report: LAST_REPORT, last_activity_at: "now" };
  const events: NewEvent[] = [
    { kind: "log", data: { level: "info", message, step } },
    { kind: "step", data: { step, status: "done", progress, message } },
  ];
  await write(deps, grip, patch, events, yielded && { step, ...yielded });
}

/** Between two entries about the same trouble: an attempt every 15 s would fill the log of a job that waits for a night. */
const REMIND_MINUTES = 60;

/**
 * Says what keeps the step from going on, for as long as it is tried again, and when that is: `pause_ms` from now. A row that is
 * another's by now stays as it is.
 */
export async function noteTrouble(
  deps: Deps,
  grip: Grip,
  trouble: { code: FailureCode; message: string; step: string | null; pause_ms?: number | undefined },
): Promise<void> {
  await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (!row || !isMine(row, grip)) return;
    const { code, message, step, pause_ms } = trouble;
    const next_attempt_at = pause_ms === undefined ? null : { after_ms: pause_ms };
    // No report of this attempt comes after it, though one may still be on its way in the mirror's batch.
    const told = await hasTold(tx, row.id, { code, step, minutes: REMIND_MINUTES });
    const entry: NewEvent = { kind: "log", data: { level: "warn", message, step, code } };
    await writeJob(tx, row.id, { message, report: LAST_REPORT, next_attempt_at }, told ? [] : [entry]);
  });
  deps.notifier.touch(grip.job_id);
}

/** One log entry. `level`: info, warn or error. */
export async function logEntry(
  deps: Deps,
  grip: Grip,
  entry: { level: string; message: string; step?: string },
): Promise<void> {
  await write(deps, grip, {}, [{ kind: "log", data: { ...entry } }]);
}

/** What the job has come to so far, for one that ends as failed: its ending has none. */
export async function noteResult(deps: Deps, grip: Grip, result: object): Promise<void> {
  await write(deps, grip, { result: { ...result } }, [{ kind: "result", data: { ...result } }]);
}

/**
 * Locks the job's row until the transaction ends, which must be the transaction's last statement: what it does comes about only while the
 * job is the attempt's, and before any later attempt enters. `orEnded`: or has ended in its generation. Error: superseded.
 */
export async function demandMine(tx: Db, grip: Grip, { orEnded = false } = {}): Promise<void> {
  const row = await lockJob(tx, grip.job_id);
  if (!row || !(isMine(row, grip) || (orEnded && endedMeanwhile(row, grip))))
    throw new AppError("superseded", { job: grip.job_id });
}

async function write(
  deps: Deps,
  grip: Grip,
  patch: JobPatch,
  events: readonly NewEvent[],
  yielded?: StepYield,
): Promise<void> {
  const options = { fence: mine(grip), ...(yielded ? { yielded } : {}) };
  const written = await writeJob(deps.database.em.fork(), grip.job_id, patch, events, options);
  if (!written) throw new AppError("superseded", { job: grip.job_id });
  deps.notifier.touch(grip.job_id);
}
