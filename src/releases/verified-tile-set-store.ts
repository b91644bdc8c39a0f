/** Tile sets of the public store that were read to the last byte and found right. */
import { query, queryOne, type Db } from "../db.ts";

interface TileSetKey {
  project_id: string;
  digest: string;
}

/**
 * What the store knew of the tile set's objects when they were last verified, or null if they never were, or longer ago than `days`
 * (null: ever).
 */
export async function findSeal(db: Db, key: TileSetKey, days: number | null): Promise<string | null> {
  const row = await queryOne<{ seal: string }>(
    db,
    `
    select seal from verified_tile_sets
    where project_id = $1 and digest = $2 and ($3::int is null or verified_at > now() - make_interval(days => $3))
    `,
    [key.project_id, key.digest, days],
  );
  return row?.seal ?? null;
}

/** A late writer's seal does no harm: it equals the objects' present one, or they are read again. */
export async function keepSeal(db: Db, key: TileSetKey & { tenant_id: string; seal: string }): Promise<void> {
  await query(
    db,
    `
    insert into verified_tile_sets (project_id, digest, tenant_id, seal, verified_at) values ($1, $2, $3, $4, now())
    on conflict (project_id, digest) do update set seal = excluded.seal, verified_at = excluded.verified_at
    `,
    [key.project_id, key.digest, key.tenant_id, key.seal],
  );
}
