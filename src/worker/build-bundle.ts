/** The workflow bundle: built once per process (under a second), from source. */
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from "@temporalio/worker";
import { fileURLToPath } from "node:url";

export const WORKFLOWS_PATH = fileURLToPath(new URL("../../workflows/index.ts", import.meta.url));

export function buildBundle(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH, logger: new DefaultLogger("WARN") });
}
