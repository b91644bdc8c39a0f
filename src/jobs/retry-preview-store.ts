/** How much a publish works on, and what its release is called: for telling before a retry what it will do. */
import { queryOne, type Db } from "../db.ts";

export interface DraftSize {
  /** Visible ones: what a release holds. */
  overlays: number;
  tiles: number;
  tile_bytes: number;
}

export async function measureDraft(db: Db, version_id: string | null): Promise<DraftSize> {
  const size = await queryOne<DraftSize>(
    db,
    `
    select count(*)::int as tiles, coalesce(sum(size), 0)::float8 as tile_bytes,
      (select count(*)::int from overlays where version_id = $1 and visible) as overlays
    from tiles where version_id = $1
    `,
    [version_id],
  );
  return size ?? { overlays: 0, tiles: 0, tile_bytes: 0 };
}

/** The release that is reserved for the draft as it is, or null while nobody has validated it. */
export async function findReservedRelease(
  db: Db,
  key: { version_id: string; revision: number },
): Promise<string | null> {
  const row = await queryOne<{ release_id: string }>(
    db,
    `select release_id from release_reservations where version_id = $1 and revision = $2`,
    [key.version_id, key.revision],
  );
  return row?.release_id ?? null;
}
