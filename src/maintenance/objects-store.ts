/** Which objects of the stores records refer to. */
import { HELD_BY_SCHEDULE } from "../artifacts/artifact-store.ts";
import { query, queryOne, type Db } from "../db.ts";

/** A tile set (`{project}/tiles/{digest}/`) or release (`{project}/releases/{id}/release.json`) of the public store. */
export interface PublicPlace {
  prefix: string;
  /** Slug. */
  project: string;
  kind: "tiles" | "releases";
  /** Digest of the tile set, or id of the release. */
  name: string;
}

/** Whose project it is: a tenant's id, or null for one that is gone. */
export async function ownerOf(db: Db, project: string): Promise<string | null> {
  const row = await queryOne<{ tenant_id: string }>(db, `select tenant_id from projects where slug = $1`, [project]);
  return row?.tenant_id ?? null;
}

/** Does a release have it, or an upload count on it? */
export async function isPublicInUse(db: Db, { prefix, project, kind, name }: PublicPlace): Promise<boolean> {
  const row = await queryOne(
    db,
    `
    select 1 from projects p
    where p.slug = $1 and (
      exists (select 1 from releases r where r.project_id = p.id and case when $2 = 'tiles' then r.tile_set_digest = $3 else r.id = $3 end)
      or exists (select 1 from object_claims c where c.project_id = p.id and c.prefix = $4)
    )
    `,
    [project, kind, name, prefix],
  );
  return row !== null;
}

/** That all of it was found right is not true any more. */
export async function forgetVerified(tx: Db, { project, kind, name }: PublicPlace): Promise<void> {
  if (kind !== "tiles") return;
  await query(
    tx,
    `delete from verified_tile_sets where digest = $2 and project_id in (select id from projects where slug = $1)`,
    [project, name],
  );
}

export async function hasArtifact(db: Db, id: string): Promise<boolean> {
  return (await queryOne(db, `select 1 from artifacts where id = $1`, [id])) !== null;
}

/** Records of artifacts past their time that no draft's picture is. Removes them, unless it only counts; answers their ids. */
export async function expireArtifacts(
  db: Db,
  { tenant_id, dry_run, limit }: { tenant_id: string; dry_run: boolean; limit: number },
): Promise<{ id: string; name: string; size: number }[]> {
  const expired = `
    select a.id from artifacts a
    where a.tenant_id = $1 and a.expires_at < now() and not exists (select 1 from source_pictures s where s.artifact_id = a.id)
      and not ${HELD_BY_SCHEDULE}
    order by a.expires_at limit $2`;
  return query(
    db,
    dry_run
      ? `select id, name, size::float8 as size from artifacts where id in (${expired})`
      : // Its own time once more: whoever has just been waited for may have given it more.
        `delete from artifacts where id in (${expired}) and expires_at < now() returning id, name, size::float8 as size`,
    [tenant_id, limit],
  );
}

/** What was generated for a release of a draft that has been edited since, by release: nothing will ever read it. */
export async function supersededReleases(
  db: Db,
  tenant_id: string,
  page: { after: string; limit: number },
): Promise<{ release_id: string; project: string; version: number }[]> {
  return query(
    db,
    `
    select r.release_id, p.slug as project, v.number as version
    from release_reservations r join versions v on v.id = r.version_id join projects p on p.id = v.project_id
    where r.tenant_id = $1 and r.release_id > $2 and r.revision < v.revision
      and not exists (select 1 from releases done where done.id = r.release_id)
      and not exists (select 1 from jobs j where j.version_id = v.id and j.job_type = 'publish' and j.status in ('queued', 'running'))
    order by r.release_id limit $3
    `,
    [tenant_id, page.after, page.limit],
  );
}
