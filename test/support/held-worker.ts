/** Entry of a worker that waits with its copies while a file `<source>.held` lies beside one of their sources (`holdBack`). */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import type { Transfer } from "../../src/storage/object-store.ts";
import { createStores } from "../../src/storage/stores.ts";
import { startWorker } from "../../src/worker/create-worker.ts";

const config = readConfig();
const stores = createStores({ folder: config.PLATEN_STORE_FOLDER });
const isHeld = (key: string): Promise<boolean> =>
  access(join(config.PLATEN_STORE_FOLDER, "private", `${key}.held`)).then(
    () => true,
    () => false,
  );
const transfer: Transfer = {
  ...stores.transfer,
  async copy(objects, options) {
    for (const { from } of objects) while (await isHeld(from)) await delay(20, undefined, options);
    return stores.transfer.copy(objects, options);
  },
};
const log = createLog("worker", config.PLATEN_LOG_LEVEL);
const running = await startWorker({ config, log, stores: { ...stores, transfer } });
await running.done;
