/** finish: the job is completed, once the pointer has its epoch or a higher one. */
import type { PublishResult } from "../../../contract/publish.ts";
import { transaction } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob } from "../job-store.ts";
import { appendEvent } from "../ledger-store.ts";
import { endedMeanwhile, isMine, writeEnding, type Grip, type ProtocolDeps } from "./attempt.ts";

/** Writes the final state; success too when it is written already. Error: superseded. */
export async function finishJob(
  deps: Pick<ProtocolDeps, "database" | "notifier">,
  grip: Grip,
  result: PublishResult,
): Promise<void> {
  await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (row && endedMeanwhile(row, grip)) return;
    if (!row || !isMine(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    const message = `Published ${result.release_id} to ${row.environment}`;
    if (row.step) await appendEvent(tx, row.id, "step", { step: row.step, status: "done", progress: 100, message });
    await writeEnding(tx, row, { status: "completed", message, result: { ...result } });
  });
  deps.notifier.touch(grip.job_id);
}
