/** svg_import: one step, which reads the plan and puts it into the draft in one transaction. */
import type { JobInput } from "../contract/job-input.ts";
import type { SvgImportResult } from "../contract/svg-import.ts";
import { proxy, writingInTurn } from "./activity-options.ts";
import { runJob } from "./run-job.ts";

const writing = { importPlan: proxy("importPlan", writingInTurn("svg_import")) };

export async function svgImport(input: JobInput): Promise<SvgImportResult> {
  return runJob("svg_import", input, ({ job, target, step, summary }) =>
    step("import_plan", () => writing.importPlan.executeWithOptions(summary("import plan"), [{ job, target }])),
  );
}
