/**
 * retry: opens the next generation of a failed or cancelled job, as a fresh run on the same workflow id. The row keeps the old
 * run's id: an old attempt that wakes up still finds itself named there, and a row that waits for another run.
 */
import { pendingSteps } from "../../../contract/progress.ts";
import { transaction } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { claimGuard } from "../guard-store.ts";
import { lockJob, type JobPatch } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { guardKey, reopenedPatch, stepsOf, type ProtocolDeps } from "./attempt.ts";
import { startJob } from "./start.ts";

/** Answers the new generation, whether or not Temporal could be reached: the row is the outbox. Errors: job_not_found, job_not_retryable, publish_running. */
export async function retryJob(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  request: { job_id: string; by: { tenant_id: string; name: string } },
): Promise<{ generation: number }> {
  const generation = await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, request.job_id);
    if (row?.tenant_id !== request.by.tenant_id) throw new AppError("job_not_found", { job: request.job_id });
    if (row.status !== "failed" && row.status !== "cancelled") {
      throw new AppError("job_not_retryable", { job: row.id, status: row.status });
    }
    const holder = await claimGuard(tx, guardKey(row), row.id);
    if (holder !== row.id) {
      throw new AppError("publish_running", { job: holder, environment: row.environment, link: `/jobs/${holder}` });
    }
    const patch = reopenedPatch(row);
    const message = `Retried by ${request.by.name}`;
    const reopened: JobPatch = {
      ...patch,
      status: "queued",
      attempt_at: 0,
      progress: 0,
      message,
      step: null,
      steps: pendingSteps(stepsOf(row)),
    };
    const data = { status: "queued", generation: patch.generation, message, reopened: true };
    await writeJob(tx, row.id, reopened, [{ kind: "status", data }]);
    return row.generation + 1;
  });
  deps.notifier.touch(request.job_id);
  await startJob(deps, request.job_id, generation).catch((error: unknown) => {
    deps.log.warn({ error, job_id: request.job_id }, "the retry is queued and starts when Temporal can be reached");
  });
  return { generation };
}
