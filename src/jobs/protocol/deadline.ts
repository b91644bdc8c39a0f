/**
 * deadline: a job that has not ended by its deadline ends as failed. One that waits is ended in its row, and nothing is sent to Temporal, as
 * with a cancel (but a run that waits in line is woken); one that runs is marked (`deadline_stop_at`) and cancelled, settles as failed because the row says so, and is terminated
 * if nobody stopped it. Past the switch of a publish a deadline does nothing. Only the reconciler looks at deadlines, by PostgreSQL's clock.
 *
 * Temporal's own timeout of an execution would know neither the switch nor an operator's reset, whose run it ends at once.
 */
import { transaction } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob, type JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { leaveLine } from "../permits/pass-on.ts";
import { writeEnding, type Ending, type ProtocolDeps } from "./attempt.ts";

/** How long a running job may take to stop, in ms; then it is terminated. */
export const STOP_MS = 60_000;

type Deadlined = Pick<JobRow, "deadline_at" | "deadline_stop_at" | "cancel_requested_at">;

/** Is the job being stopped for its deadline? A cancel that was asked for before it keeps its word. */
export function stopsForDeadline({ deadline_at, deadline_stop_at, cancel_requested_at }: Deadlined): boolean {
  if (deadline_at === null || deadline_stop_at === null) return false;
  return cancel_requested_at === null || new Date(cancel_requested_at) > new Date(deadline_at);
}

/** How such a job ends. `state`: what it was doing, for the sentence. */
export function deadlineEnding(row: Pick<JobRow, "deadline_at">, state: string): Ending & { code: string } {
  const deadline = row.deadline_at === null ? "" : new Date(row.deadline_at).toISOString();
  const { message, action, code } = new AppError("deadline_exceeded", { deadline, state });
  return { status: "failed", code, message: `${message} ${action}` };
}

/**
 * Acts on a row that `decide` found over its deadline; one that has changed meanwhile is left to the next look. `open`: the row's run, or the
 * one that goes on where it continued as new.
 */
export async function expireJob(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  seen: JobRow,
  open: string | null,
): Promise<void> {
  const done = await transaction<"ended" | "stopping" | null>(deps.database, async (tx) => {
    const row = await lockJob(tx, seen.id);
    const same = row?.status === seen.status && row.run_id === seen.run_id && row.generation === seen.generation;
    if (!row || !same || !row.deadline_over || row.switched_at !== null) return null;
    if (row.status === "queued") {
      await writeEnding(tx, row, deadlineEnding(row, "still waiting to begin"));
      return "ended";
    }
    if (row.deadline_stop_at !== null) return null;
    const message = "The job's deadline has passed: what runs is being stopped";
    const data = { level: "warn", message, step: row.step ?? undefined };
    await writeJob(tx, row.id, { deadline_stop_at: { after_ms: STOP_MS } }, [{ kind: "log", data }]);
    return "stopping";
  });
  deps.notifier.touch(seen.id);
  if (done === "ended") await leaveLine(deps, seen);
  // Lost on its way, or to a run that is over by now: the next look sends it again, or finds what happened.
  if (done === "stopping" && open !== null) await deps.executions.cancel(seen.workflow_id, open);
}
