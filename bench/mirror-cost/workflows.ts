/** A job of one activity that reports for as long as the bench takes. */
import { proxyActivities, workflowInfo } from "@temporalio/workflow";
import type { ReportingActivities } from "./worker.ts";

const { reportOn } = proxyActivities<ReportingActivities>({
  startToCloseTimeout: "1 hour",
  heartbeatTimeout: "10 seconds",
});

export async function reporting(job_id: string): Promise<void> {
  const job = { job_id, generation: 1, first_run_id: workflowInfo().firstExecutionRunId };
  await reportOn({ job, target: { tenant: "bench", project: null, version: null, environment: "dev" } });
}
