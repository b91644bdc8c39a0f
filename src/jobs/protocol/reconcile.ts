/**
 * reconcile: brings one row and its workflow back together where no workflow code runs: started late, terminated, timed out,
 * reset without a worker, deleted, not cancelled in time. What is odd about a job that goes on is noted in it.
 *
 * It reads the row, describes the workflow, and writes only if the row is still the one it read; two reconcilers at once are therefore
 * harmless, and their lease only saves work.
 */
import { isFinal } from "../../../contract/job-state.ts";
import type { PublishResult } from "../../../contract/publish.ts";
import { transaction, type Db } from "../../db.ts";
import type { Execution } from "../../temporal.ts";
import { noteDescribed } from "../attention/described.ts";
import { claimGuard } from "../guard-store.ts";
import { lockJob, readJob, type JobPatch, type JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { stepsAfterReset } from "./after-reset.ts";
import { guardKey, reopenedPatch, writeEnding, type ProtocolDeps } from "./attempt.ts";
import { DEADLINE_REASON, endingOf, stagesOfEnding } from "./closed-run.ts";
import { projectSwitched } from "./project.ts";
import { startJob } from "./start.ts";

export type Decision = "nothing" | "start" | "adopt" | "settle" | "cancel" | "terminate";

/** What to do about a row and what Temporal says of its workflow. Pure: the table of the protocol, line by line. */
export function decide(
  row: Pick<JobRow, "status" | "run_id" | "generation" | "cancel_requested_at" | "cancel_overdue" | "switched_at">,
  execution: Execution | null,
): Decision {
  if (!execution) return row.status === "queued" ? "start" : row.status === "running" ? "settle" : "nothing";
  const strangerFromReset = execution.reset && execution.run_id !== row.run_id;
  if (row.status === "queued" && execution.generation === row.generation) return execution.open ? "nothing" : "settle";
  if (row.status === "queued") {
    if (!execution.open) return "start";
    return strangerFromReset ? "adopt" : "nothing";
  }
  if (execution.open) {
    if (strangerFromReset) return "adopt";
    // The request was written down, and may have been lost on its way to Temporal. Sent to the row's own run only.
    const cancellable = row.status === "running" && row.switched_at === null;
    if (!cancellable || row.cancel_requested_at === null || row.run_id !== execution.run_id) return "nothing";
    return row.cancel_overdue ? "terminate" : "cancel";
  }
  return isFinal(row.status) ? "nothing" : "settle";
}

/** Answers what was done. Errors: whatever PostgreSQL, Temporal or the store throw; the next round tries again. */
export async function reconcileJob(deps: ProtocolDeps, jobId: string): Promise<Decision> {
  const seen = await readJob(deps.database.em.fork(), jobId);
  if (!seen) return "nothing";
  const execution = await deps.executions.describe(seen.workflow_id);
  const decision = decide(seen, execution);
  if (decision === "start") await startJob(deps, jobId, seen.generation);
  if (decision === "adopt" && execution) await adoptFor(deps, seen, execution);
  if (decision === "settle") await settleFor(deps, seen, execution);
  if (decision === "cancel" && seen.run_id) await deps.executions.cancel(seen.workflow_id, seen.run_id);
  if (decision === "terminate" && execution) await terminateFor(deps, seen, execution);
  if ((decision === "nothing" || decision === "cancel") && execution) await noteDescribed(deps, seen, execution);
  if (decision !== "nothing") deps.notifier.touch(jobId);
  return decision;
}

const unchanged = (row: JobRow | null, seen: JobRow): row is JobRow =>
  row !== null && row.run_id === seen.run_id && row.generation === seen.generation;

async function adoptFor(deps: ProtocolDeps, seen: JobRow, execution: Execution): Promise<void> {
  const behind = await deps.executions.behindOf(seen.workflow_id, execution.run_id);
  await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, seen.id);
    if (!unchanged(row, seen)) return;
    const message = "Reset in Temporal: waiting for a worker";
    const patch = reopenedPatch(row);
    const taken = { status: "running" as const, run_id: execution.run_id, attempt_at: 0, message };
    const adopted = { ...patch, ...taken, ...stepsAfterReset(row, behind) };
    const data = {
      status: "running",
      generation: patch.generation,
      message,
      reopened: true,
      progress: adopted.progress,
    };
    await writeJob(tx, row.id, adopted, [{ kind: "status", data }]);
    // Not free: go on, the switch fails with guard_lost.
    if (row.switched_at === null) await claimGuard(tx, guardKey(row), row.id);
  });
}

/** The cancel's deadline has passed: no worker is there, or none that listens. A switch that came first wins here, too. */
async function terminateFor(deps: ProtocolDeps, seen: JobRow, execution: Execution): Promise<void> {
  // False: it has ended by itself, or was reset. The next look tells.
  if (!(await deps.executions.terminate(seen.workflow_id, execution.run_id, DEADLINE_REASON))) return;
  await settleFor(deps, seen, { ...execution, open: false, status: "TERMINATED" });
}

async function settleFor(deps: ProtocolDeps, seen: JobRow, execution: Execution | null): Promise<void> {
  const bound = execution ? { run_id: execution.run_id } : {};
  const closing = execution && (await deps.executions.closingOf(seen.workflow_id, execution.run_id));
  const epoch = await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, seen.id);
    if (!unchanged(row, seen) || isFinal(row.status)) return null;
    if (row.switched_at !== null) return row.epoch;
    const { ending, byDeadline } = endingOf(row, execution, closing);
    const terminated: JobPatch = byDeadline ? { cancel_terminated_at: "now" } : {};
    const { patch, events } = stagesOfEnding(row, ending);
    if (events.length > 0) await writeJob(tx, row.id, patch, events);
    await writeEnding(tx, row, ending, { ...bound, ...terminated });
    return null;
  });
  if (epoch !== null) await completeSwitched(deps, seen, epoch, bound);
}

/** A job that has switched is completed, whatever ended its workflow: pointer first, then the row. */
async function completeSwitched(
  deps: ProtocolDeps,
  seen: JobRow,
  epoch: number,
  bound: { run_id?: string },
): Promise<void> {
  const result = await projectSwitched(deps, { project_id: seen.project_id, environment: seen.environment, epoch });
  await transaction(deps.database, (tx) => complete(tx, seen, bound, result));
}

async function complete(tx: Db, seen: JobRow, bound: { run_id?: string }, result: PublishResult): Promise<void> {
  const row = await lockJob(tx, seen.id);
  if (!unchanged(row, seen) || isFinal(row.status)) return;
  await writeEnding(
    tx,
    row,
    { status: "completed", message: `Published ${result.release_id} to ${row.environment}`, result: { ...result } },
    bound,
  );
}
