/** The tile set of a version: its descriptor, and the manifest of what was imported. */
import { query, queryOne, type Db } from "../db.ts";
import { expectedTiles, type Descriptor } from "../tiles/dzi.ts";

/** One row of the manifest. */
export interface TileEntry {
  /** `{level}/{column}_{row}.{format}` */
  key: string;
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
  media_type: string;
  /** It lies under its digest and never changes (cut by a job), else under its key. */
  by_digest: boolean;
}

interface Owner {
  version_id: string;
  tenant_id: string;
}

/** The version's descriptor, or null if none was put. */
export async function findTileSet(db: Db, version_id: string): Promise<Descriptor | null> {
  return queryOne<Descriptor & Record<string, unknown>>(
    db,
    `select width, height, tile_size, overlap, format from tile_sets where version_id = $1`,
    [version_id],
  );
}

/** Manifest rows after `afterKey` (`""` for the first page) in the byte order of their keys, at most `limit`. */
export async function tilePage(db: Db, version_id: string, afterKey: string, limit: number): Promise<TileEntry[]> {
  return query<TileEntry>(
    db,
    `
    select key, size, sha256, media_type, by_digest from tiles
    where version_id = $1 and key > $2 collate "C" order by key collate "C" limit $3
    `,
    [version_id, afterKey, limit],
  );
}

export async function countTiles(db: Db, version_id: string): Promise<number> {
  const row = await queryOne<{ count: number }>(db, `select count(*)::int as count from tiles where version_id = $1`, [
    version_id,
  ]);
  return row?.count ?? 0;
}

export async function findTile(db: Db, version_id: string, key: string): Promise<TileEntry | null> {
  return queryOne<TileEntry & Record<string, unknown>>(
    db,
    `select key, size, sha256, media_type, by_digest from tiles where version_id = $1 and key = $2`,
    [version_id, key],
  );
}

/** Those of the keys that the manifest has, in no order. */
export async function tilesNamed(db: Db, version_id: string, keys: readonly string[]): Promise<TileEntry[]> {
  return query<TileEntry>(
    db,
    `select key, size, sha256, media_type, by_digest from tiles where version_id = $1 and key = any($2::text[])`,
    [version_id, keys],
  );
}

/**
 * Holds the tile until the transaction ends, whether it has a row or not. Take it before the version's row, and one at a time:
 * then no two transactions wait for each other in a circle, even where two keys share a hash.
 */
export async function lockTile(tx: Db, version_id: string, key: string): Promise<void> {
  await query(tx, `select pg_advisory_xact_lock(hashtextextended('tile/' || $1::text || '/' || $2::text, 0))`, [
    version_id,
    key,
  ]);
}

/** How many expected keys one query looks up. */
const LOOKUP_KEYS = 10_000;

/**
 * The first `limit` keys that the pyramid calls for and the manifest has not. Looks up all that come before them, so ask only
 * when some are known to be absent.
 */
export async function missingTiles(
  db: Db,
  version_id: string,
  descriptor: Descriptor,
  { limit, signal }: { limit: number; signal?: AbortSignal | undefined },
): Promise<string[]> {
  const missing: string[] = [];
  let keys: string[] = [];
  const lookUp = async (): Promise<void> => {
    signal?.throwIfAborted();
    missing.push(...(await absentKeys(db, version_id, keys, limit - missing.length)));
    keys = [];
  };
  for (const { key } of expectedTiles(descriptor)) {
    if (missing.length >= limit) return missing;
    keys.push(key);
    if (keys.length === LOOKUP_KEYS) await lookUp();
  }
  if (keys.length > 0) await lookUp();
  return missing;
}

async function absentKeys(db: Db, version_id: string, keys: string[], limit: number): Promise<string[]> {
  const rows = await query<{ key: string }>(
    db,
    `
    select wanted.key from unnest($2::text[]) with ordinality as wanted(key, position)
    where not exists (select 1 from tiles t where t.version_id = $1 and t.key = wanted.key collate "C")
    order by wanted.position limit $3
    `,
    [version_id, keys, limit],
  );
  return rows.map(({ key }) => key);
}

/** Call inside `editDraft`. */
export async function replaceTileSet(tx: Db, owner: Owner, descriptor: Descriptor): Promise<void> {
  const { width, height, tile_size, overlap, format } = descriptor;
  await query(
    tx,
    `
    insert into tile_sets (version_id, tenant_id, width, height, tile_size, overlap, format)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (version_id) do update set width = excluded.width, height = excluded.height,
      tile_size = excluded.tile_size, overlap = excluded.overlap, format = excluded.format, updated_at = now()
    `,
    [owner.version_id, owner.tenant_id, width, height, tile_size, overlap, format],
  );
}

/** Call inside `editDraft`. */
export async function upsertTile(tx: Db, owner: Owner, tile: TileEntry): Promise<void> {
  await query(
    tx,
    `
    insert into tiles (version_id, tenant_id, key, size, sha256, media_type, by_digest) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (version_id, key) do update
      set size = excluded.size, sha256 = excluded.sha256, media_type = excluded.media_type, by_digest = excluded.by_digest
    `,
    [owner.version_id, owner.tenant_id, tile.key, tile.size, tile.sha256, tile.media_type, tile.by_digest],
  );
}

/** Call inside `editDraft`. */
export async function deleteTiles(tx: Db, version_id: string, keys: readonly string[]): Promise<void> {
  await query(tx, `delete from tiles where version_id = $1 and key = any($2::text[])`, [version_id, keys]);
}

/** Call inside `editDraft`. Answers how many there were. */
export async function deleteAllTiles(tx: Db, version_id: string): Promise<number> {
  const row = await queryOne<{ count: number }>(
    tx,
    `with gone as (delete from tiles where version_id = $1 returning 1) select count(*)::int as count from gone`,
    [version_id],
  );
  return row?.count ?? 0;
}

/** Many rows at once, for a copied version, or one whose tiles were cut. They lie under their keys, unless told otherwise. */
export async function insertTiles(
  tx: Db,
  owner: Owner,
  tiles: readonly (Omit<TileEntry, "by_digest"> & { by_digest?: boolean })[],
): Promise<void> {
  await query(
    tx,
    `
    insert into tiles (version_id, tenant_id, key, size, sha256, media_type, by_digest)
    select $1, $2, t.key, t.size, t.sha256, t.media_type, coalesce(t.by_digest, false)
    from jsonb_to_recordset($3::jsonb) as t(key text, size int, sha256 text, media_type text, by_digest boolean)
    `,
    [owner.version_id, owner.tenant_id, JSON.stringify(tiles)],
  );
}
