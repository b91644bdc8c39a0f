/**
 * Process entry of a worker whose public store may be slow.
 *
 *   rigged-worker.ts FOLDER      while FOLDER/slow is there, each call that copies or looks at tiles takes as many ms longer as it says
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { argv } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { readConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { createStores } from "../../src/storage/stores.ts";
import { startWorker } from "../../src/worker/create-worker.ts";

const slow = join(argv[2] ?? "", "slow");
async function wait(signal: AbortSignal | undefined): Promise<void> {
  const ms = Number(await readFile(slow, "utf8").catch(() => "0"));
  if (ms > 0) await delay(ms, undefined, signal ? { signal } : {});
}

const config = readConfig();
const stores = createStores({ folder: config.PLATEN_STORE_FOLDER });
const rigged: typeof stores = {
  ...stores,
  transfer: {
    ...stores.transfer,
    copy: (objects, how) => wait(how?.signal).then(() => stores.transfer.copy(objects, how)),
  },
  public: {
    ...stores.public,
    inspect: (objects, how) => wait(how.signal).then(() => stores.public.inspect(objects, how)),
  },
};
const log = createLog("worker", config.PLATEN_LOG_LEVEL);
const running = await startWorker({ config, log, stores: rigged });
await running.done;
