/**
 * retry: opens the next generation of a failed or cancelled job, as a fresh run on the same workflow id that goes on behind the steps that
 * have finished. The row keeps the old run's id: an old attempt that wakes up still finds itself named there, and a row that waits for
 * another run. It keeps what is carried over, too, as done: `start` reads it from there.
 */
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { claimGuard } from "../guard-store.ts";
import { lockJob, type JobPatch, type JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { findStepRecords } from "../step-results-store.ts";
import { guardKey, reopenedPatch, type ProtocolDeps } from "./attempt.ts";
import { planRetry, type RetryPlan } from "./retry-plan.ts";
import { startSoon } from "./start.ts";

export interface RetryRequest {
  job_id: string;
  /** Principal who asks. */
  by: { tenant_id: string; name: string };
  /** Name of the step to begin at; the first that has not finished by default. */
  from?: string;
  /** The generation that the caller saw: a job that is beyond it is left alone. */
  seen?: number;
  /** Writes down that this request opens that generation, or throws: then nothing has been written. */
  remember?: (tx: Db, generation: number) => Promise<void>;
}

export interface Retried {
  generation: number;
  /** Name of the first step that runs. */
  from: string;
  /** Who has retried from where, and why from there; what the job itself says is soon of its steps. */
  message: string;
}

/**
 * Answers the new generation, whether or not Temporal could be reached: the row is the outbox. Errors: job_not_found, job_changed,
 * job_not_retryable, retry_step_unknown, retry_step_not_reached, publish_running.
 */
export async function retryJob(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  request: RetryRequest,
): Promise<Retried> {
  const retried = await transaction(deps.database, (tx) => reopen(tx, request));
  deps.notifier.touch(request.job_id);
  await startSoon(deps, request.job_id, retried.generation);
  return retried;
}

async function reopen(tx: Db, request: RetryRequest): Promise<Retried> {
  const row = await lockJob(tx, request.job_id);
  if (row?.tenant_id !== request.by.tenant_id) throw new AppError("job_not_found", { job: request.job_id });
  // Before anything is held against the row: a repeat of the request that has just reopened it is a replay, not a conflict.
  await request.remember?.(tx, row.generation + 1);
  demandRetryable(row, request.seen);
  const plan = planRetry(row, await findStepRecords(tx, row), request.from);
  const holder = await claimGuard(tx, guardKey(row), row.id);
  if (holder !== row.id) {
    throw new AppError("publish_running", { job: holder, environment: row.environment, link: `/jobs/${holder}` });
  }
  const { from, steps, progress } = plan;
  const patch = reopenedPatch(row);
  const generation = row.generation + 1;
  const message = `Retried by ${request.by.name} from ${from}${reasonOf(plan)}`;
  const reopened: JobPatch = {
    ...patch,
    status: "queued",
    attempt_at: 0,
    ...{ progress, message, step: null, steps },
  };
  const data = { status: "queued", generation, message, reopened: true, from, progress };
  await writeJob(tx, row.id, reopened, [{ kind: "status", data }]);
  return { generation, from, message };
}

/** May the job be retried as it is? `seen`: see the request. Errors: job_changed, job_not_retryable. */
export function demandRetryable(row: Pick<JobRow, "id" | "generation" | "status">, seen?: number): void {
  const { id: job, generation, status } = row;
  if (seen !== undefined && seen !== generation) throw new AppError("job_changed", { job, seen, generation, status });
  if (status !== "failed" && status !== "cancelled") throw new AppError("job_not_retryable", { job, status });
}

function reasonOf({ earlier, from }: RetryPlan): string {
  if (earlier === "draft_changed") return ": the draft was edited since it was validated";
  return earlier === "result_missing" ? `: what ${from} yielded was not kept` : "";
}
