/** enterStep: claims, continues, adopts or stops. Every activity begins with it. */
import { isFinal } from "../../../contract/job-state.ts";
import type { PublishResult } from "../../../contract/publish.ts";
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob, type JobRow } from "../job-store.ts";
import { appendEvent } from "../ledger-store.ts";
import { adopt } from "./adopt.ts";
import type { Attempt, Entered, ProtocolDeps } from "./attempt.ts";
import { entered, type StepEntry } from "./entered.ts";

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
