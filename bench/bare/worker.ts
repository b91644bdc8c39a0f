/** A worker process with nothing but the bare workflows, by the settings of our own worker (the same PLATEN_ variables). */
import { NativeConnection, Worker } from "@temporalio/worker";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { readConfig } from "../../src/config.ts";
import { createStores } from "../../src/storage/stores.ts";
import { workerSettings } from "../../src/worker/create-worker.ts";
import { createBareActivities } from "./activities.ts";

const config = readConfig();
const pool = new pg.Pool({ connectionString: config.PLATEN_DATABASE_URL, max: config.PLATEN_DATABASE_POOL });
const connection = await NativeConnection.connect({ address: config.PLATEN_TEMPORAL_ADDRESS });
const worker = await Worker.create({
  ...workerSettings(config),
  connection,
  taskQueue: `${config.PLATEN_TASK_QUEUE_PREFIX}bare`,
  workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
  activities: createBareActivities({ pool, stores: createStores({ folder: config.PLATEN_STORE_FOLDER }) }),
});
console.error("worker is running");
await worker.run();
await pool.end();
await connection.close();
