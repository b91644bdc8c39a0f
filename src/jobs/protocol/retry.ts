/**
 * retry: opens the next generation of a failed or cancelled job, as a fresh run on the same workflow id that goes on behind the steps that
 * have finished. The row keeps the old run's id: an old attempt that wakes up still finds itself named there, and a row that waits for
 * another run. It keeps what is carried over, too, as done: `start` reads it from there.
 */
import { runSecondsOf } from "../../../contract/job-start.ts";
import { definitionOf } from "../../../contract/job-types.ts";
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import type { Also } from "../accept-job.ts";
import { claimGuard } from "../guard-store.ts";
import { readAsked, runMembersAgain } from "../groups/member-store.ts";
import { lockJob, type JobPatch, type JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { keepNamedUploads } from "../named-uploads.ts";
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
  /** Also when its retries are used up, or those of its members. */
  force?: boolean;
  /** A new one, ISO 8601; null for none. */
  deadline_at?: string | null;
  /** False: whoever asks starts it, or the reconciler. */
  start?: boolean;
  /** Writes down that this request opens that generation, or throws: then nothing has been written. */
  remember?: (tx: Db, generation: number) => Promise<void>;
  /** What the caller writes of it, in its transaction. */
  also?: Also;
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
 * job_not_retryable, retries_used_up, deadline_over, retry_step_unknown, retry_step_not_reached, publish_running.
 */
export async function retryJob(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  request: RetryRequest,
): Promise<Retried> {
  const retried = await transaction(deps.database, async (tx) => {
    const reopened = await reopenJob(tx, request);
    await keepUploadsOf(tx, request.job_id);
    return reopened;
  });
  deps.notifier.touch(request.job_id);
  if (request.start !== false) await startSoon(deps, request.job_id, retried.generation);
  return retried;
}

/** It may wait in line once more. One that has gone by now is the job's own failure, unless the step that reads it is carried over. */
async function keepUploadsOf(tx: Db, id: string): Promise<void> {
  const row = await lockJob(tx, id);
  if (!row) return;
  const { tenant_id, job_type: type, payload } = row;
  const jobs = type === "group" ? await readAsked(tx, id) : [{ type, payload, at: "" }];
  await keepNamedUploads(tx, { tenant_id, jobs, wait: type === "group" ? runSecondsOf("group") : 0 });
}

/** The row's part of a retry: the workflow is started by whoever calls, or by the reconciler. Errors: see `retryJob`. */
export async function reopenJob(tx: Db, request: RetryRequest): Promise<Retried> {
  const row = await lockJob(tx, request.job_id);
  if (row?.tenant_id !== request.by.tenant_id) throw new AppError("job_not_found", { job: request.job_id });
  // Before anything is held against the row: a repeat of the request that has just reopened it is a replay, not a conflict.
  await request.remember?.(tx, row.generation + 1);
  demandRetryable(row, request);
  const plan = planRetry(row, await findStepRecords(tx, row), request.from);
  const holder = await claimGuard(tx, guardKey(row), row.id);
  if (holder !== row.id) {
    throw new AppError("publish_running", { job: holder, environment: row.environment, link: `/jobs/${holder}` });
  }
  const { from, steps, progress } = plan;
  const patch = reopenedPatch(row);
  const generation = row.generation + 1;
  const message = `Retried by ${request.by.name} from ${from}${reasonOf(plan, row)}`;
  const reopened: JobPatch = {
    ...patch,
    status: "queued",
    attempt_at: 0,
    ...{ progress, message, step: null, steps },
    ...(request.deadline_at === undefined ? {} : { deadline_at: request.deadline_at }),
  };
  const data = { status: "queued", generation, message, reopened: true, from, progress };
  await writeJob(tx, row.id, reopened, [{ kind: "status", data }]);
  await runMembersAgain(tx, row.id, request.force ?? false);
  await request.also?.(tx, row.id);
  return { generation, from, message };
}

type Retryable = Pick<JobRow, "id" | "generation" | "status" | "job_type" | "max_retries"> &
  Pick<JobRow, "deadline_at" | "deadline_over">;

/**
 * May the job be retried as it is? The wishes are those of the request. Errors: job_changed, job_not_retryable, retries_used_up,
 * deadline_over.
 */
export function demandRetryable(
  row: Retryable,
  { seen, force, deadline_at }: Pick<RetryRequest, "seen" | "force" | "deadline_at"> = {},
): void {
  const { id: job, generation, status } = row;
  if (seen !== undefined && seen !== generation) throw new AppError("job_changed", { job, seen, generation, status });
  if (!isRetryable(row)) throw new AppError("job_not_retryable", { job, status });
  const retry_count = generation - 1;
  const max_retries = maxRetriesOf(row);
  if (retry_count >= max_retries && !force) throw new AppError("retries_used_up", { job, retry_count, max_retries });
  if (row.deadline_over && deadline_at === undefined && row.deadline_at !== null)
    throw new AppError("deadline_over", { job, deadline: new Date(row.deadline_at).toISOString() });
}

/** Of a group that is done but for some members those are run again; of any other job nothing is left to be done. */
export const isRetryable = ({ job_type, status }: Pick<JobRow, "job_type" | "status">): boolean =>
  status === "failed" || status === "cancelled" || (status === "partially_completed" && job_type === "group");

/** As the request says, or its type. */
export const maxRetriesOf = ({ job_type, max_retries }: Pick<JobRow, "job_type" | "max_retries">): number =>
  max_retries ?? definitionOf(job_type).max_retries;

function reasonOf({ earlier, from }: RetryPlan, { job_type }: Pick<JobRow, "job_type">): string {
  if (earlier === "draft_changed")
    return `: the draft was edited since ${job_type === "publish" ? "it was validated" : `${from} had finished`}`;
  return earlier === "result_missing" ? `: what ${from} yielded was not kept` : "";
}
