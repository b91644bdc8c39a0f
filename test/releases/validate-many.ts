/**
 * Validates a version of many tiles in a process of its own, started with --expose-gc. Arguments: database URL, tenant id, project,
 * how many tiles. Prints the problems and
 * `grown`: MiB that were in use after 90 % of the tiles and not after 10 %, garbage not counted;
 * `busy`: ms of CPU time between two turns of the event loop, at most. Wall time would grow when the machine is busy elsewhere.
 */
import { createDatabase } from "../../src/db.ts";
import { findVersion } from "../../src/projects/version-store.ts";
import { validateVersion } from "../../src/releases/validate-version.ts";
import { createStores } from "../../src/storage/stores.ts";

const [url = "", tenant_id = "", project = "", tiles = ""] = process.argv.slice(2);
const database = await createDatabase({ url });
const db = database.em.fork();
const version = await findVersion(db, { tenant_id, project, version: 1 });
const stores = createStores({ folder: "unused" });
// Every object is there: asking the disk for each of them is not what is measured.
stores.private.inspect = async (objects) => ({ faults: objects.map(() => null), seal: "" });

let busy = 0;
let before = process.threadCpuUsage();
function endTurn(): void {
  const { user, system } = process.threadCpuUsage(before);
  busy = Math.max(busy, (user + system) / 1_000);
  before = process.threadCpuUsage();
}
const turn = setInterval(endTurn, 1);
const used: number[] = [];
const shares = [0.1, 0.9];
const { problems, tile_count } = await validateVersion(db, stores, version, {
  onProgress(done) {
    if (shares.length === 0 || done < Number(tiles) * shares[0]!) return;
    shares.shift();
    endTurn();
    globalThis.gc?.();
    used.push(process.memoryUsage().heapUsed);
    before = process.threadCpuUsage();
  },
});
await new Promise((resolve) => setTimeout(resolve, 5));
clearInterval(turn);
const grown = (used[1]! - used[0]!) / 2 ** 20;
console.log(JSON.stringify({ problems, tile_count, grown, busy }));
await database.close();
