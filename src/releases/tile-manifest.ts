/** Reading the frozen tile manifest of a release: NDJSON, one tile a line, in key order. */
import { createInterface } from "node:readline";
import { AppError } from "../errors.ts";
import type { ObjectStore } from "../storage/object-store.ts";

export interface ManifestTile {
  /** `{level}/{column}_{row}.{format}` */
  key: string;
  /** Bytes. */
  size: number;
  sha256: string;
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
