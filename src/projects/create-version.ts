/** New versions, empty or as a copy of another one of the project. */
import { transaction, type Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { inParallel } from "../storage/in-parallel.ts";
import { draftTileKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { lockProject } from "./project-store.ts";
import { findTile, insertTiles, tilePage, type TileEntry } from "./tile-store.ts";
import { copyContent, findVersion, insertVersion, type Version } from "./version-store.ts";

const PAGE_TILES = 500;
/** Objects copied at a time: enough to hide a store's latency, few enough to leave it room for others. */
const PARALLEL_COPIES = 8;

/**
 * Makes the next version of a project. With `copy_from` it has that version's config, layers, overlays and tiles.
 *
 * All is one transaction: a crash leaves no version, at most objects under a number that the next version takes and overwrites. The
 * project's row is held meanwhile, so no one else gets that number; the version that is copied stays free to be edited and published.
 * Errors: `project_not_found`, `version_not_found`, `source_tile_damaged`, `store_unavailable`, `store_full`.
 */
export async function createVersion(options: {
  db: Db;
  /** The private store. */
  store: ObjectStore;
  tenant_id: string;
  /** Slug. */
  project: string;
  created_by: string | null;
  copy_from?: number | undefined;
}): Promise<Version> {
  const { db, store, tenant_id, project, created_by, copy_from } = options;
  return transaction(db, async (tx) => {
    const { id: project_id } = await lockProject(tx, { tenant_id, project });
    const source = copy_from === undefined ? null : await findVersion(tx, { tenant_id, project, version: copy_from });
    const { id, number } = await insertVersion(tx, { tenant_id, project_id, created_by });
    const version = await findVersion(tx, { tenant_id, project, version: number });
    if (source) {
      await copyContent(tx, { tenant_id, from: source.id, to: id });
      await copyTiles(tx, store, source, version);
    }
    return version;
  });
}

async function copyTiles(tx: Db, store: ObjectStore, source: Version, target: Version): Promise<void> {
  const owner = { version_id: target.id, tenant_id: target.tenant_id };
  for (let last = ""; ;) {
    const page = await tilePage(tx, source.id, last, PAGE_TILES);
    const end = page.at(-1);
    if (!end) return;
    // A failure waits for what is still being written: once this transaction is gone the number is free again, and a late write
    // would land among the next version's tiles.
    // What lies under its digest never changes, and belongs to all versions of the project.
    const copied = await inParallel(page, { atATime: PARALLEL_COPIES }, async (tile) =>
      tile.by_digest ? { ...tile, intact: true } : copyObject(store, source, target, tile),
    );
    const rows: TileEntry[] = [];
    for (const tile of copied) rows.push(tile.intact ? tile : await replacedMeanwhile(tx, source, tile));
    await insertTiles(tx, owner, rows);
    last = end.key;
  }
}

/** The manifest row of what was really copied; `intact`: it is what the source's manifest says. */
async function copyObject(
  store: ObjectStore,
  source: Version,
  target: Version,
  tile: TileEntry,
): Promise<TileEntry & { intact: boolean }> {
  const found = await store.get(draftTileKey(source.tenant, source.project, source.number, tile.key));
  if (!found) throw new AppError("source_tile_damaged", { key: tile.key, what: "missing" });
  const key = draftTileKey(target.tenant, target.project, target.number, tile.key);
  const { size, sha256 } = await store.put(key, found.body);
  return { ...tile, size, sha256, intact: size === tile.size && sha256 === tile.sha256 };
}

/** Other bytes than the manifest said are fine only if the manifest says them by now. */
async function replacedMeanwhile(tx: Db, source: Version, copied: TileEntry): Promise<TileEntry> {
  const now = await findTile(tx, source.id, copied.key);
  if (now?.sha256 !== copied.sha256) throw new AppError("source_tile_damaged", { key: copied.key, what: "damaged" });
  return now;
}
