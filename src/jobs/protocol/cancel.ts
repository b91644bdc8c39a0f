/**
 * cancel: a queued job is cancelled in its row and nothing is sent to Temporal; a running one gets a request to exactly the run
 * that the row names. The answer promises nothing: the switch may still win, then the job ends completed.
 *
 * Asked for once: whoever asks again finds the same receipt, also when the job is cancelled by then. A cancel from Temporal's Web UI has no
 * deadline: who asks for it here, too, sets one, for a worker that had seen it may be gone.
 */
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { isFinal } from "../../../contract/job-state.ts";
import { leaveLine } from "../permits/pass-on.ts";
import { lockJob, type JobPatch, type JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { writeEnding, type ProtocolDeps } from "./attempt.ts";

export interface CancelRequest {
  job_id: string;
  /** Principal who asks; without an id somebody else, whom the receipt tells by name. */
  by: { tenant_id: string; id: string | null; name: string };
  reason?: string;
  /** How long a running job may take to stop; then the reconciler terminates it. Absent: as long as it likes. */
  deadline_seconds?: number;
}

/** More rounds than a job can plausibly be reset or retried within one request. */
const ROUNDS = 5;

/** Errors: job_not_found, job_final, past_the_switch; whatever Temporal's client throws (the reconciler sends it again). */
export async function cancelJob(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  request: CancelRequest,
): Promise<"cancelled" | "requested"> {
  let generation: number | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const row = await transaction(deps.database, (tx) => noteCancel(tx, request, generation));
    if (!row) return "requested";
    deps.notifier.touch(request.job_id);
    if (row.status === "cancelled") {
      await leaveLine(deps, row);
      return "cancelled";
    }
    // notFound: that run has ended or was replaced meanwhile; the row tells what happened.
    if (row.run_id !== null && (await deps.executions.cancel(row.workflow_id, row.run_id))) return "requested";
    generation = row.generation;
  }
  return "requested";
}

/** Null when the job was reopened since the request was noted: what is running now is not what was to be cancelled. */
async function noteCancel(tx: Db, request: CancelRequest, generation: number | undefined): Promise<JobRow | null> {
  const row = await lockJob(tx, request.job_id);
  if (row?.tenant_id !== request.by.tenant_id) throw new AppError("job_not_found", { job: request.job_id });
  if (generation !== undefined && row.generation !== generation) return null;
  // A reopening takes the old receipt away: this one is of this generation.
  if (row.status === "cancelled" && row.cancel_requested_at !== null) return row;
  if (isFinal(row.status)) throw new AppError("job_final", { job: row.id, status: row.status });
  if (row.switched_at !== null) throw new AppError("past_the_switch", { job: row.id, environment: row.environment });
  const { by, reason, deadline_seconds } = request;
  const asked = {
    ...{ cancel_requested_at: "now", cancel_reason: reason ?? null },
    ...{ cancel_requested_by: by.id, cancel_requested_in: by.id === null ? by.name : null },
  };
  const because = reason ? `: ${reason}` : "";
  if (row.status === "queued") {
    // Nothing works on it, so nothing has to see it and stop.
    const atOnce: JobPatch = { ...asked, cancel_acknowledged_at: "now", cancel_stopped_at: "now" };
    const message = `Cancelled by ${by.name}${because}`;
    await writeEnding(tx, row, { status: "cancelled", code: "cancelled", message }, atOnce);
    return { ...row, status: "cancelled" };
  }
  const deadline = deadline_seconds === undefined ? null : { after_ms: deadline_seconds * 1_000 };
  const told = { level: "warn", message: `Cancel requested by ${by.name}${because}`, step: row.step ?? undefined };
  if (row.cancel_requested_at === null) {
    const data = { ...told, cancellation: "requested" };
    await writeJob(tx, row.id, { ...asked, cancel_deadline_at: deadline }, [{ kind: "log", data }]);
  } else if (row.cancel_deadline_at === null && deadline) {
    await writeJob(tx, row.id, { cancel_deadline_at: deadline }, [{ kind: "log", data: told }]);
  }
  return row;
}
