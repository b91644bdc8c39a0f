/**
 * settle: how a publish ends that does not end by itself. Never concluded from a failure's class alone: the row says whether
 * the switch happened, and a job that has switched is projected and completed.
 */
import { transaction } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob, type JobRow } from "../job-store.ts";
import { endedMeanwhile, isMine, writeEnding, type Ending, type Grip, type ProtocolDeps } from "./attempt.ts";

export type Settled = { kind: "ended"; status: JobRow["status"] } | { kind: "switched"; row: JobRow };

/** `switched`: nothing was written, project the row's epoch and finish. Error: superseded. */
export async function settleJob(
  deps: Pick<ProtocolDeps, "database" | "notifier">,
  grip: Grip,
  ending: Ending,
): Promise<Settled> {
  const settled = await transaction<Settled>(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (row && endedMeanwhile(row, grip)) return { kind: "ended", status: row.status };
    if (!row || !isMine(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    if (row.switched_at !== null) return { kind: "switched", row };
    await writeEnding(tx, row, ending);
    return { kind: "ended", status: ending.status };
  });
  deps.notifier.touch(grip.job_id);
  return settled;
}
