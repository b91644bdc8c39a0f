/** A run of a schedule is due: accepts its job, once. */
import { startRun, type DueRun } from "../../src/jobs/schedules/start-run.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { guarded } from "../guarded.ts";

export type StartScheduledJob = DueRun;

export async function startScheduledJob(deps: ActivityDeps, input: StartScheduledJob): Promise<{ job_id: string }> {
  return guarded(async () => ({ job_id: await startRun(deps, input) }));
}
