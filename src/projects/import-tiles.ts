/** A tile set as it comes in: the descriptor, then each tile, in any order and as often as an importer likes. */
import { createHash } from "node:crypto";
import { transaction, type Db } from "../db.ts";
import { tileObjectKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { expectedTile, type Descriptor } from "../tiles/dzi.ts";
import { decodeTile } from "../tiles/decode-tile.ts";
import { checkTile, inspectTile, rejectedTile, requireExpected } from "../tiles/inspect-tile.ts";
import {
  deleteTiles,
  findTile,
  findTileSet,
  lockTile,
  replaceTileSet,
  tilePage,
  upsertTile,
  type TileEntry,
} from "./tile-store.ts";
import { editDraft, type Version } from "./version-store.ts";

/** Rows looked at together when the geometry changes. */
const PAGE_ROWS = 5_000;

/**
 * Replaces the draft's descriptor. Tiles that do not fit the new one leave the manifest; their objects stay in the store,
 * where nothing refers to them. The same descriptor again changes nothing.
 */
export async function importDescriptor(
  db: Db,
  version: Version,
  descriptor: Descriptor,
): Promise<{ dropped: number; revision: number }> {
  const { dropped, revision } = await editDraft(db, version, async (tx) => {
    const before = await findTileSet(tx, version.id);
    if (before && sameDescriptor(before, descriptor)) return { changed: false, dropped: 0 };
    await replaceTileSet(tx, { version_id: version.id, tenant_id: version.tenant_id }, descriptor);
    return { changed: true, dropped: before ? await dropMisfits(tx, version.id, before, descriptor) : 0 };
  });
  return { dropped, revision };
}

/** A tile still fits if the new pyramid expects an image of the same size under its key. */
async function dropMisfits(tx: Db, version_id: string, before: Descriptor, after: Descriptor): Promise<number> {
  const fits = ({ key }: TileEntry): boolean => {
    const old = expectedTile(before, key);
    const now = expectedTile(after, key);
    return now !== null && old?.width === now.width && old.height === now.height;
  };
  let dropped = 0;
  for (let last = ""; ;) {
    const page = await tilePage(tx, version_id, last, PAGE_ROWS);
    const misfits = page.filter((tile) => !fits(tile)).map(({ key }) => key);
    if (misfits.length > 0) await deleteTiles(tx, version_id, misfits);
    dropped += misfits.length;
    const end = page.at(-1);
    if (!end || page.length < PAGE_ROWS) return dropped;
    last = end.key;
  }
}

/**
 * Takes one tile in: checks it by its bytes, puts the object, then its manifest row. `changed` is false if the row was there with
 * the same bytes; the object is written again all the same, which mends one that got lost.
 *
 * The object goes first: a crash in between leaves an object without a row, which the next try overwrites. No object is put but
 * under the tile's own lock, which is held until the row is committed: so nobody else's row can come to vouch for the key while
 * these bytes are on their way. Without a row, or for the bytes that the row names, that lock is enough, and tiles go in side by
 * side. Bytes that a row vouches for are replaced only under the version's lock as well, so that a version that is frozen
 * meanwhile keeps its own. The cost: a connection is held while the store writes. A lock cannot hold back a put whose process was
 * frozen for so long that PostgreSQL ended its session; every publish and copy compares the digests, and names such a tile.
 * Errors: `tile_rejected`, `version_published`, `store_unavailable`, `store_full`.
 */
export async function importTile(options: {
  db: Db;
  store: ObjectStore;
  version: Version;
  /** `{level}/{column}_{row}.{format}` */
  key: string;
  bytes: Buffer;
}): Promise<{ tile: TileEntry; changed: boolean; revision: number }> {
  const { db, store, version, key, bytes } = options;
  const descriptor = await descriptorOf(db, version, key);
  requireExpected(descriptor, key);
  const image = await inspectTile(key, bytes);
  checkTile(descriptor, key, image);
  await decodeTile(key, bytes, image);
  const tile: TileEntry = {
    key,
    size: bytes.byteLength,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    media_type: image.media_type,
    by_digest: false,
  };

  const { changed, revision } = await transaction(db, async (held) => {
    await lockTile(held, version.id, key);
    const before = await findTile(held, version.id, key);
    const replaces = before !== null && !sameTile(before, tile);
    // The same bytes mend the object that the row vouches for, wherever that is.
    const put = () => store.put(tileObjectKey(version, before && !replaces ? before : tile), bytes);
    if (!replaces) await put();
    return editDraft(held, version, async (tx) => {
      // Another importer may have changed the descriptor since it was read without a lock, and dropped the row with it.
      checkTile(await descriptorOf(tx, version, key), key, image);
      const row = await findTile(tx, version.id, key);
      if (row && sameTile(row, tile)) return { changed: false };
      if (replaces) await put();
      await upsertTile(tx, { version_id: version.id, tenant_id: version.tenant_id }, tile);
      return { changed: true };
    });
  });
  return { tile, changed, revision };
}

async function descriptorOf(db: Db, version: Version, key: string): Promise<Descriptor> {
  const descriptor = await findTileSet(db, version.id);
  if (!descriptor) throw rejectedTile(key, "the version has no tiles.dzi yet; put that first");
  return descriptor;
}

function sameTile(a: TileEntry, b: TileEntry): boolean {
  return a.size === b.size && a.sha256 === b.sha256 && a.media_type === b.media_type;
}

function sameDescriptor(a: Descriptor, b: Descriptor): boolean {
  return (
    a.width === b.width &&
    a.height === b.height &&
    a.tile_size === b.tile_size &&
    a.overlap === b.overlap &&
    a.format === b.format
  );
}
