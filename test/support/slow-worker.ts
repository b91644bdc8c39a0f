/**
 * Process entry of a worker whose public store is slow, and which tells what it asks of it.
 *
 *   slow-worker.ts FILE MS      each call that copies takes MS longer; FILE gets a line {at, keys} behind each
 */
import { appendFileSync } from "node:fs";
import { argv } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { readConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import type { Transfer } from "../../src/storage/object-store.ts";
import { createStores } from "../../src/storage/stores.ts";
import { startWorker } from "../../src/worker/create-worker.ts";

const [, , file = "", ms = "0"] = argv;
const config = readConfig();
const stores = createStores({ folder: config.PLATEN_STORE_FOLDER });
const transfer: Transfer = {
  ...stores.transfer,
  async copy(objects, options) {
    await delay(Number(ms), undefined, options);
    const answers = await stores.transfer.copy(objects, options);
    appendFileSync(file, `${JSON.stringify({ at: Date.now(), keys: objects.map(({ to }) => to.key) })}\n`);
    return answers;
  },
};
const log = createLog("slow", config.PLATEN_LOG_LEVEL);
await (
  await startWorker({ config, log, stores: { ...stores, transfer } })
).done;
