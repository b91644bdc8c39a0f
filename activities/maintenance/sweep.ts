/** The one step of a maintenance job: runs each task of src/maintenance and reports what it removed. */
import type { StepInput } from "../../contract/job-input.ts";
import type { MaintenancePayload, MaintenanceResult } from "../../contract/maintenance.ts";
import { KEEP_ALL, TASKS } from "../../src/maintenance/tasks.ts";
import { keepMade } from "../keep-made.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inLastStep } from "../steps.ts";

/** Lines of a report; what was removed beyond them is counted. */
const MAX_LINES = 100_000;
/** Of reports: nobody looks for what was removed a year ago. */
const KEPT_DAYS = 90;

/** Every task is safe to run twice, so an attempt that died begins anew; what the dead one removed is in nobody's report. */
export async function sweep(deps: ActivityDeps, input: StepInput): Promise<MaintenanceResult> {
  return inLastStep(deps, input, { name: "sweep", begins: "Looking for what has expired" }, async (tools) => {
    const { row, grip, signal } = tools;
    const { dry_run = false } = row.payload as MaintenancePayload;
    const tenant = { id: row.tenant_id, slug: input.target.tenant };
    const holder = `${row.id}/${grip.attempt_at}`;
    const { retention = KEEP_ALL } = deps;
    const removed: Record<string, number> = {};
    const lines: string[] = [];
    for (const [index, task] of TASKS.entries()) {
      signal.throwIfAborted();
      const told = (message: string): void => tools.report(index / TASKS.length, `${task.label}: ${message}`);
      tools.report(index / TASKS.length, task.label);
      const found = (what: Record<string, unknown>): void => {
        if (lines.length < MAX_LINES) lines.push(JSON.stringify({ task: task.name, ...what }));
      };
      removed[task.name] = await task.run({
        deps: { ...deps, retention },
        tenant,
        holder,
        dry_run,
        signal,
        found,
        told,
      });
    }
    const kept = lines.length === 0 ? null : await keepReport(deps, tools, tenant.slug, lines);
    const total = Object.values(removed).reduce((sum, count) => sum + count, 0);
    return {
      message: `${dry_run ? "Would remove" : "Removed"} ${total}`,
      result: { dry_run, removed, report: kept?.id ?? null },
    };
  });
}

function keepReport(deps: ActivityDeps, tools: StepTools, tenant: string, lines: readonly string[]) {
  const expires_at = new Date(Date.now() + KEPT_DAYS * 86_400_000).toISOString();
  const file = { name: "maintenance.ndjson", media_type: "application/x-ndjson", expires_at };
  const made = { what: "report", tenant, kind: "result" as const, ...file };
  return keepMade(deps, tools, made, Buffer.from(`${lines.join("\n")}\n`));
}
