/**
 * start(g): generation 1 is rejected as a duplicate once any run of the job exists; later generations only while one is open.
 * The row is the outbox: whoever finds it queued may call this, however often.
 */
import { AppError } from "../../errors.ts";
import { findStart } from "../job-store.ts";
import type { ProtocolDeps } from "./attempt.ts";

/** Starts the workflow for the row's generation `generation`; `already_started` is as good as started. */
export async function startJob(
  deps: Pick<ProtocolDeps, "database" | "executions">,
  jobId: string,
  generation: number,
): Promise<"started" | "already_started"> {
  const db = deps.database.em.fork();
  const found = await findStart(db, jobId);
  if (!found) throw new AppError("job_not_found", { job: jobId });
  const { job_type, workflow_id, ...input } = found;
  return deps.executions.start({ job_type, workflow_id, input: { ...input, generation } });
}
