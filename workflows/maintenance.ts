/** maintenance: one step. */
import type { JobInput } from "../contract/job-input.ts";
import type { MaintenanceResult } from "../contract/maintenance.ts";
import { proxy, writingInTurn } from "./activity-options.ts";
import { runJob } from "./run-job.ts";

const sweeping = { sweep: proxy("sweep", writingInTurn("maintenance")) };

export async function maintenance(input: JobInput): Promise<MaintenanceResult> {
  return runJob("maintenance", input, ({ job, target, step, summary }) =>
    step("sweep", () => sweeping.sweep.executeWithOptions(summary("sweep"), [{ job, target }])),
  );
}
