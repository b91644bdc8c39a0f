/** The one step of a maintenance job: runs each task of src/maintenance and reports what it removed. */
import type { StepInput } from "../../contract/job-input.ts";
import type { MaintenancePayload, MaintenanceResult } from "../../contract/maintenance.ts";
import { TASKS } from "../../src/maintenance/tasks.ts";
import { inLastStep, type ActivityDeps } from "../steps.ts";

/** Every task is safe to run twice, so an attempt that died begins anew. */
export async function sweep(deps: ActivityDeps, input: StepInput): Promise<MaintenanceResult> {
  return inLastStep(deps, input, { name: "sweep", begins: "Looking for what has expired" }, async (tools) => {
    const { dry_run = false } = tools.row.payload as MaintenancePayload;
    const removed: Record<string, number> = {};
    for (const [index, task] of TASKS.entries()) {
      tools.signal.throwIfAborted();
      tools.report(index / TASKS.length, task.label);
      removed[task.name] = await task.run({ deps, dry_run, signal: tools.signal });
    }
    const total = Object.values(removed).reduce((sum, count) => sum + count, 0);
    return { message: `${dry_run ? "Would remove" : "Removed"} ${total}`, result: { dry_run, removed } };
  });
}
