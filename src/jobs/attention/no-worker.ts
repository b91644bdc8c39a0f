/** Jobs that wait while nobody asks their task queue for work. */
import type { AttentionCode } from "../../../contract/attention.ts";
import { JOB_TYPES, type JobType } from "../../../contract/job-types.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { hasNoted, hasWaiting, lockNoted, lockWaiting } from "./attention-store.ts";
import { beginning, ending, tellAll } from "./tell-attention.ts";

/** A worker that is there takes a job up within milliseconds; one that restarts is back within this. */
const QUIET_SECONDS = 5;
const CODE: AttentionCode = "no_worker";

type Deps = Pick<ProtocolDeps, "database" | "notifier" | "executions">;

/** Asks Temporal only where jobs are quiet, or noted. Where it does not say, nothing changes. Answers how many it told. */
export async function noteNoWorker(deps: Deps): Promise<number> {
  let told = 0;
  for (const job_type of Object.keys(JOB_TYPES) as JobType[]) told += await noteOf(deps, job_type);
  return told;
}

async function noteOf(deps: Deps, job_type: JobType): Promise<number> {
  const waits = { job_type, quietSeconds: QUIET_SECONDS };
  const [waiting, noted] = await Promise.all([
    hasWaiting(deps.database.em.fork(), waits),
    hasNoted(deps.database.em.fork(), { job_type, code: CODE }),
  ]);
  if (!waiting && !noted) return 0;
  const polling = await deps.executions.polling(job_type);
  if (polling === "unknown") return 0;
  if (polling === "somebody") {
    return tellAll(
      deps,
      (tx, limit) => lockNoted(tx, { job_type, code: CODE, limit }),
      (row) => ending(row, "A worker asks for work again."),
    );
  }
  const message = `No worker asks for this job's work. It goes on by itself when one is started.`;
  const attention = { code: CODE, message, since: new Date().toISOString() };
  // Whatever was taken up while Temporal was asked does not wait any more.
  return tellAll(
    deps,
    (tx, limit) => lockWaiting(tx, { ...waits, limit }),
    (row) => beginning(row, attention),
  );
}
