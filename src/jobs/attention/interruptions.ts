/** What an operator does to an activity in Temporal, as its own attempts tell it: the one that is interrupted and the one that goes on. */
import { readJob, type JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { LAST_REPORT } from "../progress-store.ts";
import { isMine, mine, type Grip, type ProtocolDeps } from "../protocol/attempt.ts";
import { endAttention } from "./tell-attention.ts";

type Deps = Pick<ProtocolDeps, "database" | "notifier">;

const RESET = "The activity was reset in Temporal: this attempt stops, and the step is tried again.";

/** By the attempt that a reset interrupts. A row that is another's by now stays as it is. */
export async function noteActivityReset(deps: Deps, grip: Grip): Promise<void> {
  const data = { level: "warn", message: RESET, step: grip.held.step ?? undefined };
  // No report of this attempt comes after it, though one may still be on its way in the mirror's batch.
  const patch = { message: RESET, report: LAST_REPORT };
  const written = await writeJob(deps.database.em.fork(), grip.job_id, patch, [{ kind: "log", data }], {
    fence: mine(grip),
  });
  if (written) deps.notifier.touch(grip.job_id);
}

/**
 * By an attempt that has just entered: what was odd about the job is over. `row`: as entering found it, but for what entering changes. `again`:
 * the step was running before. `attempt`: its number, which only a reset of the activity lets go back.
 */
export async function noteGoesOn(
  deps: Deps,
  grip: Grip,
  { row, again, attempt }: { row: Pick<JobRow, "attention" | "attempt" | "message">; again: boolean; attempt: number },
): Promise<void> {
  const isReset = again && (row.message === RESET || (row.attempt > 0 && attempt <= row.attempt));
  if (row.attention === null && !isReset) return;
  const db = deps.database.em.fork();
  const current = await readJob(db, grip.job_id);
  if (!current || !isMine(current, grip)) return;
  if (current.attention) await endAttention(deps, current);
  if (!isReset) return;
  const message = `The activity was reset in Temporal: the step goes on with attempt ${attempt}.`;
  const data = { level: "info", message, step: grip.held.step ?? undefined };
  if (await writeJob(db, grip.job_id, { message }, [{ kind: "log", data }], { fence: mine(grip) })) {
    deps.notifier.touch(grip.job_id);
  }
}
