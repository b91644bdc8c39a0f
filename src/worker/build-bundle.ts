/** The workflow bundle, built from source. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from "@temporalio/worker";
import { keptBundle } from "../kept-bundle.ts";

export const WORKFLOWS_PATH = fileURLToPath(new URL("../../workflows/index.ts", import.meta.url));

/** Built once for each state of the code. Errors: what the bundler says. */
export const buildBundle = (): Promise<WorkflowBundleWithSourceMap> => keptBundle("workflows", build);

/** The same, built in a process that ends: bundling takes 140 MB, of which V8 gives little back. */
export const buildBundleApart = (): Promise<WorkflowBundleWithSourceMap> => keptBundle("workflows", buildApart);

async function build(): Promise<WorkflowBundleWithSourceMap> {
  return withoutSources(await bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH, logger: new DefaultLogger("WARN") }));
}

/** Bytes; it has one million. */
const LARGEST_BUNDLE = 64 * 2 ** 20;

async function buildApart(): Promise<WorkflowBundleWithSourceMap> {
  const args = [fileURLToPath(import.meta.url)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: LARGEST_BUNDLE });
  return JSON.parse(stdout) as WorkflowBundleWithSourceMap;
}

const INLINE_MAP = /(sourceMappingURL=data:[^,]*;base64,)([0-9A-Za-z+/=]+)\s*$/;

/** Stack traces need the map's positions only; the sources in it are half of the bundle. */
function withoutSources(bundle: WorkflowBundleWithSourceMap): WorkflowBundleWithSourceMap {
  const code = bundle.code.replace(INLINE_MAP, (_, head: string, data: string) => {
    const map = JSON.parse(Buffer.from(data, "base64").toString()) as Record<string, unknown>;
    return head + Buffer.from(JSON.stringify({ ...map, sourcesContent: undefined })).toString("base64");
  });
  return { ...bundle, code };
}

if (import.meta.main) process.stdout.write(JSON.stringify(await build()));
