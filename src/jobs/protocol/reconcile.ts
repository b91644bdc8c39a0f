/**
 * reconcile: brings one row and its workflow back together where no workflow code runs: started late, terminated, timed out,
 * reset without a worker, deleted, not cancelled in time. What is odd about a job that goes on is noted in it.
 *
 * It reads the row, describes the workflow, and writes only if the row is still the one it read; two reconcilers at once are therefore
 * harmless, and their lease only saves work.
 */
import { isFinal } from "../../../contract/job-state.ts";
import { isThrottled } from "../../../contract/permits.ts";
import type { Done } from "./finish.ts";
import { transaction, type Db } from "../../db.ts";
import type { Execution } from "../../temporal.ts";
import { noteDescribed } from "../attention/described.ts";
import { claimGuard } from "../guard-store.ts";
import { stoppableChildren } from "../groups/member-store.ts";
import { stopMembers } from "../groups/stop-members.ts";
import { findLastDone } from "../ledger-store.ts";
import { passPermitOn } from "../permits/pass-on.ts";
import { lockJob, readJob, type JobPatch, type JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { stepsAfterReset } from "./after-reset.ts";
import {
  continues,
  endingWrites,
  guardKey,
  publishTarget,
  reopenedPatch,
  writeEnding,
  type ProtocolDeps,
} from "./attempt.ts";
import { DEADLINE_REASON, endingOf, JOB_DEADLINE_REASON, stagesOfEnding } from "./closed-run.ts";
import { expireJob, stopsForDeadline } from "./deadline.ts";
import { projectSwitched } from "./project.ts";
import { startJob } from "./start.ts";

/** `expire`: its deadline has passed (`deadline.ts`). */
export type Decision = "nothing" | "start" | "adopt" | "settle" | "cancel" | "terminate" | "expire";

type Decided = Pick<JobRow, "status" | "run_id" | "generation" | "segment" | "switched_at"> &
  Pick<JobRow, "cancel_requested_at" | "cancel_overdue" | "deadline_over" | "deadline_stop_at" | "stop_overdue">;

/** Ends in its row, whatever there is in Temporal: nobody has to be asked. */
const waitsTooLong = ({ status, deadline_over }: Pick<Decided, "status" | "deadline_over">): boolean =>
  status === "queued" && deadline_over;

/** What to do about a row and what Temporal says of its workflow. Pure: the table of the protocol, line by line. */
export function decide(row: Decided, execution: Execution | null): Decision {
  if (waitsTooLong(row)) return "expire";
  if (!execution) return row.status === "queued" ? "start" : row.status === "running" ? "settle" : "nothing";
  // A run that continued as new takes the row over by itself; where no worker lets it, it is the row's all the same.
  const itsOwn = execution.run_id === row.run_id || continues(row, execution);
  const strangerFromReset = execution.reset && !itsOwn;
  if (row.status === "queued" && execution.generation === row.generation) return execution.open ? "nothing" : "settle";
  if (row.status === "queued") {
    if (!execution.open) return "start";
    return strangerFromReset ? "adopt" : "nothing";
  }
  if (execution.open) {
    if (strangerFromReset) return "adopt";
    const cancellable = row.status === "running" && row.switched_at === null;
    if (!cancellable || !itsOwn) return "nothing";
    if (row.deadline_over && row.deadline_stop_at === null) return "expire";
    if (row.cancel_requested_at === null && row.deadline_stop_at === null) return "nothing";
    // The request was written down, and may have been lost on its way to Temporal. Sent to the row's own run only.
    return row.cancel_overdue || row.stop_overdue ? "terminate" : "cancel";
  }
  return isFinal(row.status) ? "nothing" : "settle";
}

/** Answers what was done. Errors: whatever PostgreSQL, Temporal or the store throw; the next round tries again. */
export async function reconcileJob(deps: ProtocolDeps, jobId: string): Promise<Decision> {
  const seen = await readJob(deps.database.em.fork(), jobId);
  if (!seen) return "nothing";
  const execution = waitsTooLong(seen) ? null : await deps.executions.describe(seen.workflow_id);
  let decision = decide(seen, execution);
  if (decision === "terminate" && (await stopsChildren(deps, seen))) decision = "cancel";
  if (decision === "start") await startJob(deps, jobId, seen.generation);
  if (decision === "adopt" && execution) await adoptFor(deps, seen, execution);
  if (decision === "settle") await settleFor(deps, seen, execution);
  if (decision === "cancel" && execution) await deps.executions.cancel(seen.workflow_id, execution.run_id);
  if (decision === "expire") await expireJob(deps, seen, execution?.run_id ?? null);
  if (decision === "terminate" && execution) await terminateFor(deps, seen, execution);
  if (decision === "nothing" && execution && isInTheWay(seen, execution)) await deps.executions.wake(seen.workflow_id);
  if ((decision === "nothing" || decision === "cancel") && execution) await noteDescribed(deps, seen, execution);
  if (decision !== "nothing") deps.notifier.touch(jobId);
  return decision;
}

/**
 * Has the job started others that have not stopped yet? They come before it: nobody else would stop them, and a group that says it has
 * stopped while a member goes on to publish would lie.
 */
async function stopsChildren(deps: ProtocolDeps, seen: JobRow): Promise<boolean> {
  const children = await stoppableChildren(deps.database.em.fork(), seen.id);
  const unlimited = children.filter(({ limited }) => !limited);
  await stopMembers(deps, seen, unlimited, OVERDUE_SECONDS);
  return children.length > 0;
}

/** What those have left that share a time which is over. */
const OVERDUE_SECONDS = 1;

/** A run of an older generation that may sleep in line: woken, it finds that it is not wanted any more, and the next can start. */
const isInTheWay = ({ job_type, status, generation }: JobRow, execution: Execution): boolean =>
  status === "queued" && execution.open && execution.generation < generation && isThrottled(job_type);

const unchanged = (row: JobRow | null, seen: JobRow): row is JobRow =>
  row !== null && row.run_id === seen.run_id && row.generation === seen.generation;

async function adoptFor(deps: ProtocolDeps, seen: JobRow, execution: Execution): Promise<void> {
  const behind = await deps.executions.behindOf(seen.workflow_id, execution.run_id);
  await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, seen.id);
    if (!unchanged(row, seen)) return;
    const message = "Reset in Temporal: waiting for a worker";
    const patch = reopenedPatch(row);
    const { run_id, segment = 0 } = execution;
    const taken = { status: "running" as const, run_id, segment, attempt_at: 0, message };
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

/** The deadline of its cancel, or of its stop, has passed: no worker is there, or none that listens. A switch that came first wins here, too. */
async function terminateFor(deps: ProtocolDeps, seen: JobRow, execution: Execution): Promise<void> {
  // False: it has ended by itself, or was reset. The next look tells.
  const reason = stopsForDeadline(seen) ? JOB_DEADLINE_REASON : DEADLINE_REASON;
  if (!(await deps.executions.terminate(seen.workflow_id, execution.run_id, reason))) return;
  await settleFor(deps, seen, { ...execution, open: false, status: "TERMINATED" });
}

/** The run that ended without code of ours: the row is its from now on, so that only a later reset reopens the job. */
type Bound = Pick<JobPatch, "run_id" | "segment">;

async function settleFor(deps: ProtocolDeps, seen: JobRow, execution: Execution | null): Promise<void> {
  const bound: Bound = execution ? { run_id: execution.run_id, segment: execution.segment ?? 0 } : {};
  const closing = execution && (await deps.executions.closingOf(seen.workflow_id, execution.run_id));
  const epoch = await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, seen.id);
    if (!unchanged(row, seen) || isFinal(row.status)) return null;
    if (row.switched_at !== null) return row.epoch;
    const done = execution?.status === "COMPLETED" ? await findLastDone(tx, row.id) : null;
    const { ending, byDeadline } = endingOf(row, execution, closing, done);
    const terminated: JobPatch = byDeadline ? { cancel_terminated_at: "now" } : {};
    const stages = stagesOfEnding(row, ending);
    const ended = endingWrites(row, ending, { ...stages.patch, ...bound, ...terminated });
    await writeJob(tx, row.id, ended.patch, [...stages.events, ...ended.events], { dropGuard: true });
    return null;
  });
  if (epoch !== null) await completeSwitched(deps, seen, epoch, bound);
  await passPermitOn(deps, seen);
}

/** A job that has switched is completed, whatever ended its workflow: pointer first, then the row. */
async function completeSwitched(deps: ProtocolDeps, seen: JobRow, epoch: number, bound: Bound): Promise<void> {
  const done = await projectSwitched(deps, { ...publishTarget(seen), epoch });
  await transaction(deps.database, (tx) => complete(tx, seen, bound, done));
}

async function complete(tx: Db, seen: JobRow, bound: Bound, done: Done): Promise<void> {
  const row = await lockJob(tx, seen.id);
  if (!unchanged(row, seen) || isFinal(row.status)) return;
  await writeEnding(tx, row, { status: "completed", ...done, result: { ...done.result } }, bound);
}
