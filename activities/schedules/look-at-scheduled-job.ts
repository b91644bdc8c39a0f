/** Has the job of a schedule's run ended? A look, not a wait: that would take a worker's slot for as long as the job works. */
import { isFinal, type FinalStatus } from "../../contract/job-state.ts";
import { readEnding } from "../../src/jobs/schedules/schedule-store.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { guarded } from "../guarded.ts";

/** Null while it is open. */
export interface ScheduledEnding {
  status: FinalStatus;
  code: string | null;
  message: string | null;
}

export async function lookAtScheduledJob(
  deps: ActivityDeps,
  { job_id }: { job_id: string },
): Promise<{ ended: ScheduledEnding | null }> {
  return guarded(async () => {
    const row = await readEnding(deps.database.em.fork(), job_id);
    // Who removed the row has ended the job.
    if (!row) return { ended: { status: "cancelled", code: null, message: null } };
    const { status, code, message } = row;
    return { ended: isFinal(status) ? { status, code, message } : null };
  });
}
