/** A tile set that a job cut becomes that of a draft, as a whole. */
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Descriptor } from "../tiles/dzi.ts";
import { MEDIA_TYPES } from "../tiles/inspect-tile.ts";
import { createTileSetDigest } from "../tiles/tile-set-digest.ts";
import { findSourcePicture } from "./source-picture-store.ts";
import { deleteAllTiles, findTileSet, insertTiles, replaceTileSet, tilePage } from "./tile-store.ts";
import { editDraft, type Version } from "./version-store.ts";

/** Manifest rows at a time: some 20 ms. */
const PAGE = 5_000;

/**
 * Replaces descriptor and tiles in one transaction, which holds the version's row: an import or a publish sees the tiles of before or these. Bytes
 * are not touched, since each tile lies under its digest. The same set again changes nothing; `removed`: how many were there.
 * Errors: version_published; picture_replaced, if the draft's picture is not `picture` any more (null: it need not be).
 */
export async function attachTileSet(options: {
  db: Db;
  version: Version;
  set: { digest: string; tile_set: Descriptor };
  /** All tiles of the set, some thousands at a time. */
  tiles: AsyncIterable<{ key: string; size: number; sha256: string }[]>;
  /** Id of the artifact. */
  picture: string | null;
  signal: AbortSignal;
  onTiles: (count: number) => void;
}): Promise<{ changed: boolean; removed: number; revision: number }> {
  const { db, version, set, picture, signal, onTiles } = options;
  const owner = { version_id: version.id, tenant_id: version.tenant_id };
  const media_type = MEDIA_TYPES[set.tile_set.format];
  return editDraft(db, version, async (tx) => {
    if (picture !== null && (await findSourcePicture(tx, version.id))?.artifact !== picture)
      throw new AppError("picture_replaced", { project: version.project, version: version.number });
    if ((await presentDigest(tx, version.id)) === set.digest) return { changed: false, removed: 0 };
    const removed = await deleteAllTiles(tx, version.id);
    await replaceTileSet(tx, owner, set.tile_set);
    let count = 0;
    for await (const tiles of options.tiles) {
      signal.throwIfAborted();
      await insertTiles(
        tx,
        owner,
        tiles.map((tile) => ({ ...tile, media_type, by_digest: true })),
      );
      count += tiles.length;
      onTiles(count);
    }
    return { changed: true, removed };
  });
}

/** Of the tile set that the draft has; null for none. */
async function presentDigest(tx: Db, version_id: string): Promise<string | null> {
  const tileSet = await findTileSet(tx, version_id);
  if (!tileSet) return null;
  const digest = createTileSetDigest(tileSet);
  for (let after: string | undefined = ""; after !== undefined;) {
    const page = await tilePage(tx, version_id, after, PAGE);
    for (const tile of page) digest.add(tile);
    after = page.length < PAGE ? undefined : page.at(-1)?.key;
  }
  return digest.digest();
}
