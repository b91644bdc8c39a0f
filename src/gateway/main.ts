/** The gateway's process. SIGTERM and SIGINT end it within three seconds, whatever hangs. */
import { readConfig } from "../config.ts";
import { createDatabase } from "../db.ts";
import { createLog } from "../log.ts";
import { createStores, sweepStores } from "../storage/stores.ts";
import { createExecutions, createTemporalClient } from "../temporal.ts";
import { startGateway } from "./serve.ts";

const config = readConfig();
const log = createLog("gateway", config.PLATEN_LOG_LEVEL);
const database = await createDatabase({ url: config.PLATEN_DATABASE_URL, pool: config.PLATEN_DATABASE_POOL });
const client = createTemporalClient({
  address: config.PLATEN_TEMPORAL_ADDRESS,
  namespace: config.PLATEN_TEMPORAL_NAMESPACE,
});
const gateway = await startGateway({
  ...{ config, database, log },
  stores: createStores({ folder: config.PLATEN_STORE_FOLDER }),
  executions: createExecutions(client, {
    taskQueuePrefix: config.PLATEN_TASK_QUEUE_PREFIX,
    publicUrl: config.PLATEN_PUBLIC_URL,
  }),
});
log.info({ url: gateway.url }, "the gateway listens");
void sweepStores({ folder: config.PLATEN_STORE_FOLDER, log });

const LONGEST_STOP_MS = 3_000;

let stopping = false;
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, "the gateway stops");
  setTimeout(() => process.exit(1), LONGEST_STOP_MS).unref();
  await gateway.close();
  await database.close();
  await client.connection.close();
  process.exit(0);
}
process.on("SIGTERM", (signal) => void stop(signal));
process.on("SIGINT", (signal) => void stop(signal));
