/** What has been released, and where it is live: for listings, and for delivery, which serves nothing else. */
import { iso, query, queryOne, type Db } from "../db.ts";

export interface ListedRelease {
  release_id: string;
  version: number;
  digest: string;
  bytes: number;
  overlay_count: number;
  tile_count: number;
  published_at: string;
}

export interface LiveRelease {
  environment: string;
  epoch: number;
  release_id: string;
  version: number;
  job_id: string;
  /** Live since then. */
  switched_at: string;
}

export async function findProjectId(db: Db, key: { tenant_id: string; project: string }): Promise<string | null> {
  const row = await queryOne<{ id: string }>(db, `select id from projects where tenant_id = $1 and slug = $2`, [
    key.tenant_id,
    key.project,
  ]);
  return row?.id ?? null;
}

/** Newest first. */
export async function listReleases(
  db: Db,
  key: { tenant_id: string; project_id: string; limit: number },
): Promise<ListedRelease[]> {
  const rows = await query<ListedRelease>(
    db,
    `
    select r.id as release_id, v.number as version, r.digest, r.bytes, r.overlay_count, r.tile_count, r.published_at
    from releases r join versions v on v.id = r.version_id
    where r.tenant_id = $1 and r.project_id = $2
    order by r.created_at desc, r.id desc
    limit $3
    `,
    [key.tenant_id, key.project_id, key.limit],
  );
  return rows.map((row) => ({ ...row, published_at: iso(row.published_at) }));
}

/** Every switch, newest first; the first of each environment is what is live there. */
export async function listSwitches(
  db: Db,
  key: { tenant_id: string; project_id: string; limit: number },
): Promise<LiveRelease[]> {
  const rows = await query<LiveRelease>(
    db,
    `
    select l.environment, l.epoch, l.release_id, v.number as version, l.job_id, l.switched_at
    from environment_releases l
    join releases r on r.id = l.release_id
    join versions v on v.id = r.version_id
    where l.tenant_id = $1 and l.project_id = $2
    order by l.switched_at desc, l.epoch desc
    limit $3
    `,
    [key.tenant_id, key.project_id, key.limit],
  );
  return rows.map((row) => ({ ...row, switched_at: iso(row.switched_at) }));
}

/** What is live in each environment, however long ago it was switched. */
export async function listLive(db: Db, key: { tenant_id: string; project_id: string }): Promise<LiveRelease[]> {
  const rows = await query<LiveRelease>(
    db,
    `
    select l.environment, l.epoch, l.release_id, v.number as version, l.job_id, l.switched_at
    from environments e
    join environment_releases l using (project_id, environment, epoch)
    join releases r on r.id = l.release_id
    join versions v on v.id = r.version_id
    where e.tenant_id = $1 and e.project_id = $2
    order by l.environment
    `,
    [key.tenant_id, key.project_id],
  );
  return rows.map((row) => ({ ...row, switched_at: iso(row.switched_at) }));
}

/** Open to all tenants: what is released is public. */
export async function isReleased(db: Db, key: { project: string; release_id: string }): Promise<boolean> {
  const row = await queryOne(
    db,
    `select 1 from releases r join projects p on p.id = r.project_id where p.slug = $1 and r.id = $2`,
    [key.project, key.release_id],
  );
  return row !== null;
}

/** Does a release of the project use this pyramid? */
export async function isReleasedTileSet(db: Db, key: { project: string; digest: string }): Promise<boolean> {
  const row = await queryOne(
    db,
    `
    select 1 from releases r join projects p on p.id = r.project_id
    where p.slug = $1 and r.tile_set_digest = $2
    limit 1
    `,
    [key.project, key.digest],
  );
  return row !== null;
}
