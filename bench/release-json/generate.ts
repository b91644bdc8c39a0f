/**
 * One release's content into a store, in a process of its own. Arguments: database URL, tenant id, project, folder of the store.
 * Prints {bytes, seconds, grown}; `grown`: MB of memory that it took beyond what the process had when it was ready to begin.
 */
import { Readable } from "node:stream";
import { createDatabase, snapshot } from "../../src/db.ts";
import { findVersion } from "../../src/projects/version-store.ts";
import { releaseContent } from "../../src/releases/release-content.ts";
import { describeTiles } from "../../src/releases/release-tiles.ts";
import { createStores } from "../../src/storage/stores.ts";
import { readMemory, resetPeak } from "../support/memory.ts";
import { timed } from "../support/turns.ts";

const [url = "", tenant_id = "", project = "", folder = ""] = process.argv.slice(2);
const database = await createDatabase({ url, pool: 2 });
const stores = createStores({ folder });
const { signal } = new AbortController();

const put = () =>
  snapshot(database, async (db) => {
    const version = await findVersion(db, { tenant_id, project, version: 1 });
    const { part } = await describeTiles(db, version, signal);
    const content = Readable.from(releaseContent(db, version, part), { objectMode: false });
    return stores.private.put("content", content, { signal });
  });

await snapshot(database, (db) => findVersion(db, { tenant_id, project, version: 1 }));
await resetPeak(process.pid);
const { rss } = await readMemory(process.pid);
const { seconds, result } = await timed(put);
const { peak } = await readMemory(process.pid);
console.log(JSON.stringify({ bytes: result.size, seconds, grown: peak - rss }));
await database.close();
