/**
 * Many foreign features on their way through an import, a validation and a release, in a process of its own. Arguments: database
 * URL, how many, folder of the stores. Prints {overlays, open, problems, bytes, seconds, mebibytes}.
 */
import { Readable } from "node:stream";
import { createDatabase, snapshot } from "../../src/db.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { createVersion } from "../../src/projects/create-version.ts";
import { importOverlays } from "../../src/projects/import-overlays.ts";
import { surveyOverlays } from "../../src/projects/overlay-verdict-store.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { readOverlays } from "../../src/projects/read-overlays.ts";
import { replaceTileSet } from "../../src/projects/tile-store.ts";
import { releaseContent } from "../../src/releases/release-content.ts";
import { validateVersion } from "../../src/releases/validate-version.ts";
import { createStores } from "../../src/storage/stores.ts";
import { ensureTenant } from "../../src/tenants/tenant-store.ts";

const [url = "", count = "", folder = ""] = process.argv.slice(2);
const total = Number(count);

/** One in ten has a hole that touches its shell, which only JTS can tell to be valid; the last one crosses itself. */
function geometry(at: number) {
  const [x, y] = [(at % 500) * 20, Math.floor(at / 500) * 20];
  const ring = (...corners: number[][]) => [...corners, corners[0]!].map(([dx = 0, dy = 0]) => [x + dx, y + dy]);
  if (at === total - 1) return { type: "Polygon", coordinates: [ring([0, 0], [9, 9], [9, 0], [0, 9])] };
  const shell = ring([0, 0], [9.25, 0.5], [9, 9], [4, 9.5], [0, 9]);
  const hole = ring(at % 10 === 0 ? [0, 0] : [1, 1], [3, 4], [4, 3]);
  return { type: "MultiPolygon", coordinates: [[shell, hole], [ring([12, 0], [15, 0], [15, 3])]] };
}

async function* collection(): AsyncGenerator<Buffer> {
  yield Buffer.from(
    `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:25832"}},"features":[`,
  );
  for (let at = 0; at < total; at += 1) {
    const properties = { name: `Building ${at}`, height: at / 8, "addr:city": "Überlingen", levels: null };
    const feature = { type: "Feature", id: `way/${at}`, bbox: [0, 0, 1, 1], geometry: geometry(at), properties };
    yield Buffer.from((at === 0 ? "" : ",") + JSON.stringify(feature));
  }
  yield Buffer.from("]}");
}

const seconds: Record<string, number> = {};
async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  seconds[name] = Math.round(performance.now() - began) / 1_000;
  return result;
}

const database = await createDatabase({ url });
const stores = createStores({ folder, durable: false });
const db = database.em.fork();
const { id: tenant_id } = await ensureTenant(db, { slug: "many", name: "Many" });
await createProject(db, { tenant_id, slug: "many", name: "Many", created_by: null });
const version = await createVersion({ db, store: stores.private, tenant_id, project: "many", created_by: null });
const owner = { version_id: version.id, tenant_id };
await replaceConfig(db, owner, { title: "Many" });
await replaceTileSet(db, owner, { width: 1, height: 1, tile_size: 256, overlap: 0, format: "png" });

const { overlays } = await timed("import", () => importOverlays(db, version, readOverlays(collection(), "collection")));
const { open } = await surveyOverlays(db, version.id, []);
const { problems } = await timed("validate", () => validateVersion(db, stores, version, { keepVerdicts: true }));
await timed("again", () => validateVersion(db, stores, version));
const { size: bytes } = await timed("generate", () =>
  snapshot(database, (view) => {
    const tiles = { type: "dzi", digest: "0".repeat(64), url: "/", tile_count: 1 } as const;
    const part = { ...tiles, width: 1, height: 1, tile_size: 256, overlap: 0, format: "png" } as const;
    return stores.private.put("content", Readable.from(releaseContent(view, version, part), { objectMode: false }));
  }),
);
const mebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ overlays, open, problems, bytes, seconds, mebibytes }));
await database.close();
