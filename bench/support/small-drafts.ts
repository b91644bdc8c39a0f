/** Tiny projects, ready to be published: put into the records and the store directly, as an import would leave them. */
import { createHash } from "node:crypto";
import sharp from "sharp";
import { transaction, type Database, type Db } from "../../src/db.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { overlayRow } from "../../src/projects/derive-overlay.ts";
import { insertOverlays, type Overlay } from "../../src/projects/overlay-store.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { insertTiles, replaceTileSet } from "../../src/projects/tile-store.ts";
import { insertVersion } from "../../src/projects/version-store.ts";
import { draftTileKey } from "../../src/storage/keys.ts";
import { createStores } from "../../src/storage/stores.ts";
import { ensurePrincipal, ensureTenant } from "../../src/tenants/tenant-store.ts";
import { expectedTiles, type Descriptor } from "../../src/tiles/dzi.ts";

export interface SmallDraft {
  tenant_id: string;
  tenant: string;
  /** Principal who publishes it. */
  principal_id: string;
  project_id: string;
  /** Slug. */
  project: string;
  version_id: string;
}

/** Four levels of one tile each. */
export const TINY: Descriptor = { width: 8, height: 8, tile_size: 256, overlap: 0, format: "png" };
export const TINY_OVERLAYS = 3;

/** Makes `count` projects of one draft each, in the tenant of the embedded stack. */
export async function makeSmallDrafts(options: {
  database: Database;
  /** Folder of the store. */
  store: string;
  count: number;
}): Promise<SmallDraft[]> {
  // Imports are not measured here, so they need not wait for the disk.
  const stores = createStores({ folder: options.store, durable: false });
  const image = sharp({ create: { width: 8, height: 8, channels: 3, background: "#88aacc" } });
  const tile = await image.png().toBuffer();
  return transaction(options.database, async (tx) => {
    const tenant_id = (await ensureTenant(tx, { slug: "demo", name: "Demo" })).id;
    const principal_id = (await ensurePrincipal(tx, { tenant_id, name: "demo-admin" })).id;
    const drafts: SmallDraft[] = [];
    for (let index = 1; index <= options.count; index += 1) {
      const project = `tiny-${index}`;
      const made = await makeDraft(tx, { tenant_id, project, tile });
      for (const { key } of expectedTiles(TINY)) await stores.private.put(draftTileKey("demo", project, 1, key), tile);
      drafts.push({ tenant_id, tenant: "demo", principal_id, project, ...made });
    }
    return drafts;
  });
}

async function makeDraft(
  tx: Db,
  { tenant_id, project, tile }: { tenant_id: string; project: string; tile: Buffer },
): Promise<{ project_id: string; version_id: string }> {
  const { id: project_id } = await createProject(tx, { tenant_id, slug: project, name: "Tiny", created_by: null });
  const { id: version_id } = await insertVersion(tx, { tenant_id, project_id, created_by: null });
  const owner = { tenant_id, version_id };
  await replaceConfig(tx, owner, { title: project });
  await insertOverlays(
    tx,
    owner,
    1,
    `[${Array.from({ length: TINY_OVERLAYS }, (_, at) => overlayRow(plot(at + 1))).join(",")}]`,
  );
  await replaceTileSet(tx, owner, TINY);
  const sha256 = createHash("sha256").update(tile).digest("hex");
  const tiles = [...expectedTiles(TINY)].map(({ key }) => ({
    ...{ key, size: tile.byteLength, sha256, media_type: "image/png" },
  }));
  await insertTiles(tx, owner, tiles);
  return { project_id, version_id };
}

function plot(number: number): Overlay {
  const [left, right] = [number * 20, number * 20 + 10];
  const ring = [
    [left, 0],
    [right, 0],
    [right, 10],
    [left, 10],
    [left, 0],
  ];
  return {
    ref: `plot-${number}`,
    type: "plot",
    layer: null,
    label: { en: `Plot ${number}`, ar: `قطعة ${number}` },
    geometry: { type: "Polygon", coordinates: [ring] },
    properties: { area: 100 },
    style: null,
    visible: true,
  };
}
