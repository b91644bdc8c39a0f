/**
 * The stages of a cancellation that the run itself reaches: seen by who works on the job, then nothing works on it any more. Asked for in
 * Temporal, the request gets into the row here, too: until then nobody had told it. The last stage comes with the final state.
 */
import type { CancellationStage } from "../../../contract/cancellation.ts";
import { transaction } from "../../db.ts";
import type { CancelRequested } from "../../temporal-requests.ts";
import { lockJob, readJob, type JobPatch, type JobRow } from "../job-store.ts";
import { writeJob, type NewEvent } from "../job-writes-store.ts";
import { isMine, type Grip, type ProtocolDeps } from "./attempt.ts";

type Deps = Pick<ProtocolDeps, "database" | "executions" | "notifier">;

/** Who asks in Temporal's Web UI without being logged in there has no name. */
export const SOMEBODY = "somebody in Temporal";

/**
 * Notes the stage, and with it what should have come before it. Nothing is written twice, nor after the switch, nor by who does not
 * hold the row any more.
 */
export async function noteCancelStage(
  deps: Deps,
  grip: Grip,
  stage: Extract<CancellationStage, "acknowledged" | "stopped">,
): Promise<void> {
  const seen = await readJob(deps.database.em.fork(), grip.job_id);
  const elsewhere =
    seen && seen.cancel_requested_at === null && !isDeadlines(seen) ? await requestOf(deps, seen) : null;
  await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (!row || !isMine(row, grip) || row.switched_at !== null || isDeadlines(row)) return;
    const { patch, events } = stagesUpTo(row, stage, elsewhere);
    if (events.length > 0) await writeJob(tx, row.id, patch, events);
  });
  deps.notifier.touch(grip.job_id);
}

/** Nobody has asked for it: the job's deadline has, and is told in its own words. */
const isDeadlines = (row: JobRow): boolean => row.deadline_stop_at !== null && row.cancel_requested_at === null;

/** Null where Temporal cannot say: that it was asked for is certain all the same. */
async function requestOf(deps: Deps, row: JobRow): Promise<CancelRequested | null> {
  if (row.run_id === null) return null;
  return deps.executions.cancelRequested(row.workflow_id, row.run_id).catch(() => null);
}

function stagesUpTo(
  row: JobRow,
  stage: CancellationStage,
  elsewhere: CancelRequested | null,
): { patch: JobPatch; events: NewEvent[] } {
  const patch: JobPatch = {};
  const events: NewEvent[] = [];
  const tell = (cancellation: CancellationStage, level: string, message: string): void => {
    events.push({ kind: "log", data: { level, message, step: row.step ?? undefined, cancellation } });
  };
  if (row.cancel_requested_at === null) {
    const by = elsewhere?.by ?? SOMEBODY;
    patch.cancel_requested_at = elsewhere?.at ?? "now";
    patch.cancel_requested_in = by;
    patch.cancel_reason = elsewhere?.reason ?? null;
    tell(
      "requested",
      "warn",
      `Cancel requested in Temporal by ${by}${elsewhere?.reason ? `: ${elsewhere.reason}` : ""}`,
    );
  }
  if (row.cancel_acknowledged_at === null) {
    patch.cancel_acknowledged_at = "now";
    tell("acknowledged", "info", "Cancel seen: what runs is being stopped");
  }
  if (stage === "stopped" && row.cancel_stopped_at === null) {
    patch.cancel_stopped_at = "now";
    tell("stopped", "info", "Stopped: nothing works on this job any more");
  }
  return { patch, events };
}
