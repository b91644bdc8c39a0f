/**
 * start(g): generation 1 is rejected as a duplicate once any run of the job exists; later generations only while one is open.
 * The row is the outbox: whoever finds it queued may call this, however often.
 */
import { AppError } from "../../errors.ts";
import { findStartInput, readJob } from "../job-store.ts";
import type { ProtocolDeps } from "./attempt.ts";

/** Starts the workflow for the row's generation `generation`; `already_started` is as good as started. */
export async function startJob(
  deps: Pick<ProtocolDeps, "database" | "executions">,
  jobId: string,
  generation: number,
): Promise<"started" | "already_started"> {
  const db = deps.database.em.fork();
  const row = await readJob(db, jobId);
  const input = await findStartInput(db, jobId);
  if (!row || !input) throw new AppError("job_not_found", { job: jobId });
  return deps.executions.start({
    job_type: row.job_type,
    workflow_id: row.workflow_id,
    input: { ...input, generation },
  });
}
