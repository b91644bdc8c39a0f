/** Jobs that wait while nobody asks their task queue for work. */
import type { AttentionCode } from "../../../contract/attention.ts";
import { JOB_TYPES, type JobType } from "../../../contract/job-types.ts";
import { isFinal } from "../../../contract/job-state.ts";
import { readJob, type JobRow } from "../job-store.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { notedJobs, waitingJobs } from "./attention-store.ts";
import { beginAttention, endAttention } from "./tell-attention.ts";

/** A worker that is there takes a job up within milliseconds; one that restarts is back within this. */
const QUIET_SECONDS = 5;
/** Jobs per look; the rest comes in the next. */
const BATCH = 500;

type Deps = Pick<ProtocolDeps, "database" | "notifier" | "executions">;

/** Asks Temporal only where jobs are quiet, or noted. Where it does not say, nothing changes. Answers how many it told. */
export async function noteNoWorker(deps: Deps): Promise<number> {
  let told = 0;
  for (const job_type of Object.keys(JOB_TYPES) as JobType[]) {
    const db = deps.database.em.fork();
    const code: AttentionCode = "no_worker";
    const [waiting, noted] = await Promise.all([
      waitingJobs(db, { job_type, quietSeconds: QUIET_SECONDS, limit: BATCH }),
      notedJobs(deps.database.em.fork(), { job_type, code, limit: BATCH }),
    ]);
    if (waiting.length + noted.length === 0) continue;
    const polling = await deps.executions.polling(job_type);
    if (polling === "unknown") continue;
    for (const id of polling === "nobody" ? waiting : noted) {
      const row = await readJob(db, id);
      if (!row || isFinal(row.status)) continue;
      if (await (polling === "nobody" ? begin(deps, row) : endNoted(deps, row))) told += 1;
    }
  }
  return told;
}

async function begin(deps: Deps, row: JobRow): Promise<boolean> {
  const message = `No worker asks for this job's work. It goes on by itself when one is started.`;
  return beginAttention(deps, row, { code: "no_worker", message, since: new Date().toISOString() });
}

async function endNoted(deps: Deps, row: JobRow): Promise<boolean> {
  if (row.attention?.code !== "no_worker") return false;
  return endAttention(deps, row, "A worker asks for work again.");
}
