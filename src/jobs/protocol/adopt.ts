/**
 * adopt: a run that a reset made takes the row over. Run ids have no order, so it asks Temporal whether it is the current run
 * and open, and then demands that the row is still the one it looked at.
 *
 * The run of a retry takes only a running row over, in the generation that it has: its start came between the look and the write of a
 * reset's run, which has ended since, or Temporal would not have let the retry's start.
 */
import { transaction } from "../../db.ts";
import { claimGuard } from "../guard-store.ts";
import { lockJob, readJob } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { guardKey, reopenedPatch, type Attempt, type Entered, type ProtocolDeps } from "./attempt.ts";
import { entering, type StepEntry } from "./entered.ts";

/** `changed`: the row moved on meanwhile, enter again. */
export async function adopt(
  deps: ProtocolDeps,
  attempt: Attempt,
  seen: { run_id: string | null; generation: number },
  entry: StepEntry,
): Promise<Entered | { kind: "changed" }> {
  const before = await readJob(deps.database.em.fork(), attempt.job_id);
  const current = before && (await deps.executions.describe(before.workflow_id));
  const isCurrent = current?.run_id === attempt.run_id && current.open;
  if (!isCurrent) return attempt.reset ? { kind: "stop" } : { kind: "end", status: "superseded" };

  return transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, attempt.job_id);
    if (!row || row.run_id !== seen.run_id || row.generation !== seen.generation) return { kind: "changed" };
    const taken = { status: "running" as const, run_id: attempt.run_id, segment: attempt.segment ?? 0 };
    if (!attempt.reset) {
      const { patch, events, outcome } = entering(row, attempt, entry, taken);
      await writeJob(tx, row.id, patch, events);
      return outcome;
    }
    const message = "Reset in Temporal: the job goes on";
    const generation = row.generation + 1;
    const data = { status: "running", generation, message, reopened: true };
    const reopened = { ...reopenedPatch(row), ...taken };
    const { patch, events, outcome } = entering(row, attempt, entry, reopened);
    await writeJob(tx, row.id, patch, [{ kind: "status", data }, ...events]);
    if (row.switched_at !== null) return outcome;
    const holder = await claimGuard(tx, guardKey(row), row.id);
    return holder === row.id || entry.step === null ? outcome : { kind: "guard_lost", holder };
  });
}
