/** finish: the job is completed, once the pointer has its epoch or a higher one. */
import type { PublishResult } from "../../../contract/publish.ts";
import { AppError } from "../../errors.ts";
import { readJob } from "../job-store.ts";
import { writeJob, type NewEvent } from "../job-writes-store.ts";
import { endedMeanwhile, endingWrites, mine, type Grip, type ProtocolDeps } from "./attempt.ts";

/** Writes the final state; success too when it is written already. Error: superseded. */
export async function finishJob(
  deps: Pick<ProtocolDeps, "database" | "notifier">,
  grip: Grip,
  result: PublishResult,
): Promise<void> {
  const db = deps.database.em.fork();
  const { step, environment } = grip.held;
  const message = `Published ${result.release_id} to ${environment}`;
  const before: NewEvent[] = step ? [{ kind: "step", data: { step, status: "done", progress: 100, message } }] : [];
  const { patch, events } = endingWrites(
    { ...grip, ...grip.held },
    { status: "completed", message, result: { ...result } },
  );
  const options = { fence: mine(grip), dropGuard: true };
  if (!(await writeJob(db, grip.job_id, patch, [...before, ...events], options))) {
    const row = await readJob(db, grip.job_id);
    if (row && endedMeanwhile(row, grip)) return;
    throw new AppError("superseded", { job: grip.job_id });
  }
  deps.notifier.touch(grip.job_id);
}
