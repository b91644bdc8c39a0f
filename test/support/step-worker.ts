/**
 * Process entry of a worker whose stores are rigged.
 *
 *   step-worker.ts FOLDER [WORKFLOWS]      FOLDER: of the rigs; WORKFLOWS: module that is bundled instead of the product's
 */
import { argv } from "node:process";
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { readConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { createStores } from "../../src/storage/stores.ts";
import { WORKFLOWS_PATH } from "../../src/worker/build-bundle.ts";
import { startWorker } from "../../src/worker/create-worker.ts";
import { riggedStores } from "./step-stores.ts";

const [, , folder = "", workflowsPath = WORKFLOWS_PATH] = argv;
const config = readConfig();
const stores = riggedStores(createStores({ folder: config.PLATEN_STORE_FOLDER }), folder);
const log = createLog("step", config.PLATEN_LOG_LEVEL);
const bundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger("ERROR") });
// Nothing is kept from one task of a workflow to the next: the server would wait 10 s for a dead worker that has it in memory.
const running = await startWorker({ config, log, stores, bundle, maxCachedWorkflows: 0 });
await running.done;
