/** Accepts a retry: the next generation and the idempotency key in one transaction, then the workflow. */
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Principal } from "../tenants/principal.ts";
import type { Also } from "./accept-job.ts";
import { KeyTaken, recall, remember, type Idempotency, type KeyedRequest } from "./idempotency.ts";
import { findJob, type JobRecord } from "./job-queries-store.ts";
import { findReopening } from "./ledger-store.ts";
import type { ProtocolDeps } from "./protocol/attempt.ts";
import { retryJob, type Retried } from "./protocol/retry.ts";

export interface RequestedRetry {
  /** UUID. */
  job_id: string;
  by: Principal;
  /** Name of a step. */
  from?: string;
  /** The generation that the caller saw. */
  generation?: number;
  /** These four: see `RetryRequest`. Of a replayed one nothing is written. */
  force?: boolean;
  deadline_at?: string | null;
  start?: boolean;
  also?: Also;
  /** `Idempotency-Key` and the route it came by. */
  idempotency?: Idempotency;
}

export interface AcceptedRetry extends Retried {
  /** As it is now. */
  job: JobRecord;
  /** The same request came before, and this is what it opened. */
  replayed: boolean;
}

/** Errors: those of `retryJob`, and idempotency_key_reused; then nothing has been written. */
export async function requestRetry(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  request: RequestedRetry,
): Promise<AcceptedRetry> {
  const db = deps.database.em.fork();
  const replayed = await replay(db, request);
  if (replayed) return replayed;
  const { job_id, by, from, generation: seen, force, deadline_at, start, also } = request;
  try {
    const retried = await retryJob(deps, {
      ...{ job_id, by },
      ...(from === undefined ? {} : { from }),
      ...(seen === undefined ? {} : { seen }),
      ...(force ? { force } : {}),
      ...(deadline_at === undefined ? {} : { deadline_at }),
      ...(start === undefined ? {} : { start }),
      ...(also ? { also } : {}),
      remember: (tx, generation) => remember(tx, keyed(request), { job_id, generation }),
    });
    return { ...retried, job: await jobOf(db, request), replayed: false };
  } catch (error) {
    // The same request was accepted meanwhile, by another connection: answer what it was answered.
    const winner = error instanceof KeyTaken ? await replay(db, request) : null;
    if (winner) return winner;
    throw error;
  }
}

async function replay(db: Db, request: RequestedRetry): Promise<AcceptedRetry | null> {
  const found = await recall(db, keyed(request));
  if (!found) return null;
  const { generation } = found;
  const job = await jobOf(db, request);
  const { from, message } = (await findReopening(db, { job_id: found.job_id, generation })) ?? {
    from: "",
    message: "",
  };
  return { generation, from, message, job, replayed: true };
}

async function jobOf(db: Db, { by, job_id: id }: RequestedRetry): Promise<JobRecord> {
  const job = await findJob(db, { tenant_id: by.tenant_id, id });
  if (!job) throw new AppError("job_not_found", { job: id });
  return job;
}

/** The generation is part of what is asked: the same key about another one is another request. */
const keyed = ({ job_id, by, from, generation, force, deadline_at, idempotency }: RequestedRetry): KeyedRequest => ({
  by,
  asked: {
    job: job_id,
    ...(from === undefined ? {} : { from }),
    ...(generation === undefined ? {} : { generation }),
    ...(force ? { force } : {}),
    ...(deadline_at === undefined ? {} : { deadline_at }),
  },
  ...(idempotency ? { idempotency } : {}),
});
