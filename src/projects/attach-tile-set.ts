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

/** What has come of it. */
export interface Attached {
  changed: boolean;
  /** Tiles that were there before. */
  removed: number;
  /** Of the draft, after it. */
  revision: number;
}

/**
 * Replaces descriptor and tiles in one transaction, which holds the version's row: an import or a publish sees the tiles of before or these. Bytes
 * are not touched, since each tile lies under its digest. The same set again changes nothing.
 * Errors: version_published; picture_replaced, if the draft's picture is not `picture` any more (null: it need not be); store_unavailable, if
 * `tiles` are not those of the set; and what `finish` throws. Then nothing has changed.
 */
export async function attachTileSet(options: {
  db: Db;
  version: Version;
  set: { digest: string; tile_set: Descriptor; tile_count: number; manifest_key: string };
  /** All tiles of the set, some thousands at a time. */
  tiles: AsyncIterable<{ key: string; size: number; sha256: string }[]>;
  /** Id of the artifact. */
  picture: string | null;
  signal: AbortSignal;
  onTiles: (count: number) => void;
  /** The caller's own writes, behind all others and in the same commit: an attempt that is not the job's any more refuses here. */
  finish: (tx: Db, attached: Attached) => Promise<void>;
}): Promise<Attached> {
  const { db, version, set, picture, signal } = options;
  const owner = { version_id: version.id, tenant_id: version.tenant_id };
  return editDraft(db, version, async (tx, revision) => {
    if (picture !== null && (await findSourcePicture(tx, version.id))?.artifact !== picture)
      throw new AppError("picture_replaced", { project: version.project, version: version.number });
    const changed = (await presentDigest(tx, version.id)) !== set.digest;
    const removed = changed ? await deleteAllTiles(tx, version.id) : 0;
    if (changed) {
      await replaceTileSet(tx, owner, set.tile_set);
      await insertSet(tx, owner, options);
    }
    signal.throwIfAborted();
    await options.finish(tx, { changed, removed, revision: changed ? revision + 1 : revision });
    return { changed, removed };
  });
}

/** Rows as the manifest has them, which must be what was cut: it lies in a store that others write to. */
async function insertSet(
  tx: Db,
  owner: Parameters<typeof insertTiles>[1],
  { set, tiles, signal, onTiles }: Pick<Parameters<typeof attachTileSet>[0], "set" | "tiles" | "signal" | "onTiles">,
): Promise<void> {
  const media_type = MEDIA_TYPES[set.tile_set.format];
  const digest = createTileSetDigest(set.tile_set);
  let [count, last] = [0, ""];
  for await (const batch of tiles) {
    signal.throwIfAborted();
    for (const tile of batch) {
      if (tile.key <= last) throw notWhatWasCut(set, `${tile.key} comes behind ${last}`);
      digest.add(tile);
      last = tile.key;
    }
    await insertTiles(
      tx,
      owner,
      batch.map((tile) => ({ ...tile, media_type, by_digest: true })),
    );
    count += batch.length;
    onTiles(count);
  }
  if (count !== set.tile_count) throw notWhatWasCut(set, `it has ${count} tiles of ${set.tile_count}`);
  if (digest.digest() !== set.digest) throw notWhatWasCut(set, `its digest is not ${set.digest}`);
}

const notWhatWasCut = ({ manifest_key: key }: { manifest_key: string }, why: string): AppError =>
  new AppError("store_unavailable", { key, reason: `the manifest is not that of the tiles that were cut: ${why}` });

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
