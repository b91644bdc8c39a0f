/** finish: the job is completed, once it has come about: for a publish, once the pointer has its epoch or a higher one. */
import type { Problem } from "../../../contract/problem.ts";
import type { Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { passPermitOn } from "../permits/pass-on.ts";
import { readJob } from "../job-store.ts";
import { writeJob, type NewEvent, type StepYield } from "../job-writes-store.ts";
import { endedMeanwhile, endingWrites, mine, type Grip, type ProtocolDeps } from "./attempt.ts";

export interface Done {
  /** Completed by default. */
  status?: "completed" | "partially_completed";
  /** The last log entry, and what the job says from then on. */
  message: string;
  result: object;
  /** What was left out; a few of many, told one by one. */
  errors?: Problem[];
}

/** Writes the final state; success too when it is written already. Error: superseded. */
export async function finishJob(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  grip: Grip,
  done: Done,
): Promise<void> {
  const db = deps.database.em.fork();
  if (!(await writeDone(db, grip, done))) {
    const row = await readJob(db, grip.job_id);
    if (!row || !endedMeanwhile(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    // Who wrote it in the work's own transaction has told nobody yet.
  }
  deps.notifier.touch(grip.job_id);
  await passPermitOn(deps, { id: grip.job_id, job_type: grip.held.job_type });
}

/**
 * The one statement of it, for work that must come about together with the job's end: in the work's own transaction, as its last
 * statement, so that the job's row is locked no longer than a commit takes. False when the row is another attempt's: then undo the work. `yielded`: kept
 * for later generations of the job, under what is no step of the type's.
 */
export async function writeDone(db: Db, grip: Grip, done: Done, yielded?: StepYield): Promise<boolean> {
  const { step } = grip.held;
  const { status = "completed", message, result, errors } = done;
  const before: NewEvent[] = step ? [{ kind: "step", data: { step, status: "done", progress: 100, message } }] : [];
  const { patch, events } = endingWrites(
    { ...grip, ...grip.held },
    { status, message, result: { ...result }, ...(errors && errors.length > 0 ? { errors } : {}) },
  );
  const options = { fence: mine(grip), dropGuard: true, ...(yielded ? { yielded } : {}) };
  return writeJob(db, grip.job_id, patch, [...before, ...events], options);
}
