/** Reading the frozen tile manifest of a release: NDJSON, one tile a line, in key order. */
import { createInterface } from "node:readline";
import { AppError } from "../errors.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { Descriptor } from "../tiles/dzi.ts";
import { tileSetDigest } from "../tiles/tile-set-digest.ts";

export interface ManifestTile {
  /** `{level}/{column}_{row}.{format}` */
  key: string;
  /** Bytes. */
  size: number;
  sha256: string;
  /** Its source lies under its digest; else under its key. */
  by_digest?: boolean;
}

/** Yields the tiles in batches, from the tile number `from` on. Error: store_unavailable when the manifest is gone. */
export async function* readManifest(
  store: ObjectStore,
  key: string,
  from: number,
  batch: number,
): AsyncGenerator<ManifestTile[]> {
  const found = await store.get(key);
  if (!found) throw new AppError("store_unavailable", { key, reason: "the staged manifest is not there" });
  let index = 0;
  let tiles: ManifestTile[] = [];
  try {
    for await (const line of createInterface({ input: found.body, crlfDelay: Infinity })) {
      if (index++ < from) continue;
      tiles.push(JSON.parse(line) as ManifestTile);
      if (tiles.length < batch) continue;
      yield tiles;
      tiles = [];
    }
    if (tiles.length > 0) yield tiles;
  } finally {
    found.body.destroy();
  }
}

/** Tiles that `isManifestOf` reads at once. */
const BATCH = 1_000;

/** Is it there, and is it that of the tile set `digest`? */
export async function isManifestOf(
  store: ObjectStore,
  key: string,
  { tile_set, digest }: { tile_set: Descriptor; digest: string },
): Promise<boolean> {
  if (!(await store.head(key))) return false;
  try {
    return (await tileSetDigest(tilesOf(store, key), tile_set)) === digest;
  } catch (error) {
    // A store that cannot be read is tried again; all else is what damage looks like: no JSON, or out of order.
    if (error instanceof AppError) throw error;
    return false;
  }
}

async function* tilesOf(store: ObjectStore, key: string): AsyncGenerator<ManifestTile> {
  for await (const tiles of readManifest(store, key, 0, BATCH)) yield* tiles;
}
