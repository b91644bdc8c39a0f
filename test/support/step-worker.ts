/**
 * Process entry of a worker whose stores are rigged.
 *
 *   step-worker.ts FOLDER [WORKFLOWS]      FOLDER: of the rigs and the bundle; WORKFLOWS: module that is bundled instead
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { argv } from "node:process";
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from "@temporalio/worker";
import { readConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { createStores } from "../../src/storage/stores.ts";
import { startWorker } from "../../src/worker/create-worker.ts";
import { BUNDLE, riggedStores } from "./step-stores.ts";

const [, , folder = "", workflowsPath] = argv;
const config = readConfig();
const stores = riggedStores(createStores({ folder: config.PLATEN_STORE_FOLDER }), folder);
const log = createLog("step", config.PLATEN_LOG_LEVEL);
const built = async (): Promise<WorkflowBundleWithSourceMap> =>
  JSON.parse(await readFile(join(folder, BUNDLE), "utf8")) as WorkflowBundleWithSourceMap;
const bundle = workflowsPath
  ? await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger("ERROR") })
  : await built();
// Nothing is kept from one task of a workflow to the next: the server would wait 10 s for a dead worker that has it in memory.
const running = await startWorker({ config, log, stores, bundle, maxCachedWorkflows: 0 });
await running.done;
