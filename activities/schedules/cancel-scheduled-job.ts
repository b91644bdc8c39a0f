/** The run of a schedule was cancelled, by the next one or by an operator: so is its job, through the protocol. */
import { readSchedule } from "../../src/jobs/schedules/schedule-store.ts";
import { stopJob } from "../../src/jobs/schedules/start-run.ts";
import { CANCEL_SECONDS } from "../../src/jobs/schedules/limits.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { guarded } from "../guarded.ts";

export async function cancelScheduledJob(
  deps: ActivityDeps,
  { job_id, schedule_id }: { job_id: string; schedule_id: string },
): Promise<void> {
  return guarded(async ({ info: { workflowExecution } }) => {
    const schedule = await readSchedule(deps.database.em.fork(), schedule_id);
    if (!schedule || !workflowExecution) return;
    // Without an answer it is tried again: who does not know whose cancel it is would tell somebody else's.
    const asked = await deps.executions.cancelRequested(workflowExecution.workflowId, workflowExecution.runId);
    await stopJob(deps, schedule, job_id, { asked, deadline_seconds: CANCEL_SECONDS });
  });
}
