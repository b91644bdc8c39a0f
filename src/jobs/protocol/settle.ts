/**
 * settle: how a publish ends that does not end by itself. Never concluded from a failure's class alone: the row says whether
 * the switch happened, and a job that has switched is projected and completed.
 */
import { isFinal, type FinalStatus } from "../../../contract/job-state.ts";
import { transaction } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob } from "../job-store.ts";
import { endedMeanwhile, isMine, writeEnding, type Ending, type Grip, type ProtocolDeps } from "./attempt.ts";

export type Settled =
  | { kind: "ended"; status: FinalStatus }
  | { kind: "switched"; project_id: string; environment: string; epoch: number };

/** `switched`: nothing was written, project that epoch and finish. Error: superseded. */
export async function settleJob(
  deps: Pick<ProtocolDeps, "database" | "notifier">,
  grip: Grip,
  ending: Ending,
): Promise<Settled> {
  const settled = await transaction<Settled>(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (row && endedMeanwhile(row, grip) && isFinal(row.status)) return { kind: "ended", status: row.status };
    if (!row || !isMine(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    const { project_id, environment, epoch } = row;
    if (row.switched_at !== null && epoch !== null) return { kind: "switched", project_id, environment, epoch };
    await writeEnding(tx, row, ending);
    return { kind: "ended", status: ending.status };
  });
  deps.notifier.touch(grip.job_id);
  return settled;
}
