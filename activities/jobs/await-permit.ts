/** Not a step: asks whether it is a throttled job's turn, and takes its place in line. Never waits itself: that would take a slot. */
import type { StepInput } from "../../contract/job-input.ts";
import { askForPermit } from "../../src/jobs/permits/ask-for-permit.ts";
import { permitsByQueue } from "../../contract/permits.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { attemptOf } from "../enter.ts";
import { guarded } from "../guarded.ts";

/** `waits`: what for, in words; null for a job that may go on, and for one that has ended: entering its first step tells which. */
export async function awaitPermit(deps: ActivityDeps, input: StepInput): Promise<{ waits: string | null }> {
  return guarded(async (context) => {
    const asked = await askForPermit(deps, input.job.job_id, permitsByQueue(), attemptOf(context, input.job));
    return { waits: asked.kind === "waits" ? asked.message : null };
  });
}
