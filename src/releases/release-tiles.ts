/** The tiles of a release: their manifest, and what `release.json` says of them, in one reading of the version's rows. */
import type { z } from "zod";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { findTileSet, tilePage } from "../projects/tile-store.ts";
import { publicTilesPrefix } from "../storage/keys.ts";
import type { Descriptor } from "../tiles/dzi.ts";
import { createTileSetDigest } from "../tiles/tile-set-digest.ts";
import type { tilesPart } from "./release-schema.ts";
import type { ManifestTile } from "./tile-manifest.ts";
import type { VersionRef } from "./validate-version.ts";

/** Tiles a page: about 10 ms, and half a megabyte of manifest. */
const PAGE = 5_000;

export interface DescribedTiles {
  digest: string;
  tile_set: Descriptor;
  /** `tiles` of the document. */
  part: z.infer<typeof tilesPart>;
}

/**
 * Yields the manifest (NDJSON, in the byte order of the keys) in pieces of a page, and returns the description once all went by.
 * `signal` ends it between two pages. Error: release_invalid when the version has no tile set.
 */
export async function* tileManifest(
  db: Db,
  version: VersionRef,
  signal: AbortSignal,
): AsyncGenerator<string, DescribedTiles, undefined> {
  const tile_set = await describedTileSet(db, version.id);
  const set = createTileSetDigest(tile_set);
  let tile_count = 0;
  for (let after: string | undefined = ""; after !== undefined;) {
    signal.throwIfAborted();
    const page = await tilePage(db, version.id, after, PAGE);
    let lines = "";
    for (const { key, size, sha256, by_digest } of page) {
      set.add({ key, size, sha256 });
      const tile: ManifestTile = { key, size, sha256, ...(by_digest ? { by_digest } : {}) };
      lines += `${JSON.stringify(tile)}\n`;
    }
    tile_count += page.length;
    if (lines !== "") yield lines;
    after = page.length < PAGE ? undefined : page.at(-1)?.key;
  }
  const digest = set.digest();
  const url = `/${publicTilesPrefix(version.project, digest)}tiles.dzi`;
  return { digest, tile_set, part: { type: "dzi", digest, url, ...tile_set, tile_count } };
}

/** The description alone. */
export async function describeTiles(db: Db, version: VersionRef, signal: AbortSignal): Promise<DescribedTiles> {
  const manifest = tileManifest(db, version, signal);
  for (;;) {
    const { done, value } = await manifest.next();
    if (done) return value;
  }
}

/** Error: release_invalid when the version has none. */
export async function describedTileSet(db: Db, versionId: string): Promise<Descriptor> {
  const tileSet = await findTileSet(db, versionId);
  if (!tileSet) throw new AppError("release_invalid", { path: "/tiles", reason: "the version has no tile set" });
  const { width, height, tile_size, overlap, format } = tileSet;
  return { width, height, tile_size, overlap, format };
}
