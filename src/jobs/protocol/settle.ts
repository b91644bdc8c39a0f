/**
 * settle: how a job ends that does not end by itself. Never concluded from a failure's class alone: the row says whether
 * the switch happened, and a job that has switched is projected and completed.
 */
import { isFinal, type FinalStatus } from "../../../contract/job-state.ts";
import { transaction } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { passPermitOn } from "../permits/pass-on.ts";
import { lockJob } from "../job-store.ts";
import {
  endedMeanwhile,
  isMine,
  publishTarget,
  writeEnding,
  type Ending,
  type Grip,
  type ProtocolDeps,
} from "./attempt.ts";
import { deadlineEnding, stopsForDeadline } from "./deadline.ts";

export type Settled =
  /** `failure`: of a job that was to end as cancelled, and has failed for its deadline. */
  | { kind: "ended"; status: FinalStatus; failure?: { code: string; message: string } }
  | { kind: "switched"; project_id: string; environment: string; epoch: number };

/** `switched`: nothing was written, project that epoch and finish. Error: superseded. */
export async function settleJob(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  grip: Grip,
  ending: Ending,
): Promise<Settled> {
  const settled = await transaction<Settled>(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    // The run was cancelled because the deadline had passed: so it says, however often this is tried.
    const late = row && ending.status === "cancelled" && stopsForDeadline(row) ? deadlineEnding(row, "stopped") : null;
    const failure = late && { code: late.code, message: late.message };
    if (row && endedMeanwhile(row, grip) && isFinal(row.status))
      return { kind: "ended", status: row.status, ...(failure && row.status === "failed" ? { failure } : {}) };
    if (!row || !isMine(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    if (row.switched_at !== null && row.epoch !== null) {
      const { project_id, environment } = publishTarget(row);
      return { kind: "switched", project_id, environment, epoch: row.epoch };
    }
    await writeEnding(tx, row, late ?? ending);
    return { kind: "ended", status: (late ?? ending).status, ...(failure ? { failure } : {}) };
  });
  deps.notifier.touch(grip.job_id);
  if (settled.kind === "ended") await passPermitOn(deps, { id: grip.job_id, job_type: grip.held.job_type });
  return settled;
}
