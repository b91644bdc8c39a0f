/** Retries dead letters by filter: each like a retry of its own, so one that is refused keeps none of the others back. */
import { AppError } from "../../errors.ts";
import { inParallel } from "../../storage/in-parallel.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { Also } from "../accept-job.ts";
import { chooseOnce, type Idempotency } from "../idempotency.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { startSoon } from "../protocol/start.ts";
import { requestRetry } from "../request-retry.ts";
import { findDeadLetters, type DeadLetterFilter, type DeadLetterPlace } from "./dead-letter-store.ts";

export interface Refused {
  job: string;
  code: string;
  /** What is in the way, and what to do. */
  message: string;
}

export interface RetryDeadLetters {
  filter: Omit<DeadLetterFilter, "tenant_id">;
  by: Principal;
  /** Also those whose retries are used up. */
  force?: boolean;
  /** A new one for each, ISO 8601; null for none. */
  deadline_at?: string | null;
  after?: DeadLetterPlace | undefined;
  limit: number;
  idempotency?: Idempotency;
  /** Written of each that is retried now, with it. */
  also?: Also;
}

export interface RetriedDeadLetters {
  /** `replayed`: the same request had retried it before, and it has failed again: it is left as it is. */
  retried: { job: string; generation: number; replayed: boolean }[];
  refused: Refused[];
  /** Where the next request goes on; null when there are no more. */
  next: DeadLetterPlace | null;
}

/** Calls to Temporal at a time. */
const STARTS = 10;
/** An answer waits this long for them; what is not started by then, the reconciler starts. */
const STARTS_MS = 2_000;

/**
 * A repeat finds what is still dead, so it opens nothing twice by itself. With a key it sees to the jobs that were found the first time, in
 * the generations that they had then: not to those that come after them, and not to those that have failed again.
 */
export async function retryDeadLetters(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  { filter, by, force, deadline_at, after, limit, idempotency, also }: RetryDeadLetters,
): Promise<RetriedDeadLetters> {
  const scope = { ...filter, tenant_id: by.tenant_id };
  const asked = { filter, after, limit, force, deadline_at };
  const found = await chooseOnce(deps.database.em.fork(), { by, asked, ...(idempotency ? { idempotency } : {}) }, () =>
    findDeadLetters(deps.database.em.fork(), { ...scope, after, limit: limit + 1 }),
  );
  const page = found.slice(0, limit);
  const done: RetriedDeadLetters = { retried: [], refused: notFound(filter.ids, found), next: null };
  for (const { id, generation } of page) {
    const { key, route } = idempotency ?? { key: undefined, route: "" };
    // A request's key is bound to each of its jobs.
    const keyed = key === undefined ? {} : { idempotency: { key: `${key}/${id}`, route: `${route} of one` } };
    try {
      const { generation: opened, replayed } = await requestRetry(deps, {
        ...{ job_id: id, by, generation, start: false },
        ...(force ? { force } : {}),
        ...(deadline_at === undefined ? {} : { deadline_at }),
        ...(also ? { also } : {}),
        ...keyed,
      });
      done.retried.push({ job: id, generation: opened, replayed });
    } catch (error) {
      if (!(error instanceof AppError) || error.definition.status >= 500) throw error;
      done.refused.push({ job: id, code: error.code, message: `${error.message} ${error.action}` });
    }
  }
  await startAll(deps, done);
  const last = page.at(-1);
  return { ...done, next: last && found.length > limit ? { completed_at: last.completed_at, id: last.id } : null };
}

async function startAll(
  deps: Pick<ProtocolDeps, "database" | "executions" | "log">,
  { retried }: RetriedDeadLetters,
): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), STARTS_MS);
  const starts = inParallel(retried, { atATime: STARTS, signal: late.signal }, ({ job, generation, replayed }) =>
    replayed ? Promise.resolve() : startSoon(deps, job, generation),
  );
  await starts.catch(() => undefined);
  clearTimeout(timer);
}

/** Jobs that were named and are no dead letters. */
export function notFound(ids: readonly string[] | undefined, found: readonly { id: string }[]): Refused[] {
  const known = new Set(found.map(({ id }) => id));
  return (ids ?? []).flatMap((id) => {
    if (known.has(id)) return [];
    const { code, message, action } = new AppError("not_a_dead_letter", { job: id });
    return [{ job: id, code, message: `${message} ${action}` }];
  });
}
