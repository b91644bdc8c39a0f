/** Imports many overlays in a process of its own, whose heap its starter bounds. Arguments: database URL, how many. Prints the result. */
import { createDatabase } from "../../src/db.ts";
import { createVersion } from "../../src/projects/create-version.ts";
import { importOverlays } from "../../src/projects/import-overlays.ts";
import { countOverlays } from "../../src/projects/overlay-store.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { readOverlays } from "../../src/projects/read-overlays.ts";
import { createFolderStore } from "../../src/storage/folder-store.ts";
import { createFolderThreads } from "../../src/storage/folder-threads.ts";
import { ensureTenant } from "../../src/tenants/tenant-store.ts";

const [url = "", count = ""] = process.argv.slice(2);
const total = Number(count);
const ring = Array.from({ length: 12 }, (_, i) => [55 + i / 1_000, 25 + (i % 3) / 1_000]);

async function* collection(): AsyncGenerator<Buffer> {
  yield Buffer.from(`{"type":"FeatureCollection","features":[`);
  for (let i = 0; i < total; i += 1) {
    const feature = {
      type: "Feature",
      geometry: { type: "Polygon", coordinates: [ring] },
      properties: { ref: `plot-${i}`, type: "plot", label: { en: `Plot ${i}`, ar: `قطعة ${i}` } },
    };
    yield Buffer.from((i === 0 ? "" : ",") + JSON.stringify(feature));
  }
  yield Buffer.from("]}");
}

const database = await createDatabase({ url });
const db = database.em.fork();
const { id: tenant_id } = await ensureTenant(db, { slug: "many", name: "Many" });
await createProject(db, { tenant_id, slug: "many", name: "Many", created_by: null });
const store = createFolderStore({ root: "unused" }, createFolderThreads());
const version = await createVersion({ db, store, tenant_id, project: "many", created_by: null });
const result = await importOverlays(db, version, readOverlays(collection(), "collection"));
const counts = await countOverlays(db, version.id);
console.log(JSON.stringify({ ...result, ...counts, mebibytes: Math.round(process.resourceUsage().maxRSS / 1024) }));
await database.close();
