/** The picture that a draft's tiles are cut from: which artifact it is, and how large. */
import { iso, query, queryOne, type Db } from "../db.ts";

export interface SourcePicture {
  /** Id of the artifact. */
  artifact: string;
  media_type: string;
  /** Pixels, as it is seen. */
  width: number;
  height: number;
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
  /** ISO 8601. */
  updated_at: string;
}

/** Null for a version that has none. */
export async function findSourcePicture(db: Db, version_id: string): Promise<SourcePicture | null> {
  const row = await queryOne<SourcePicture & Record<string, unknown>>(
    db,
    `
    select a.id as artifact, a.media_type, s.width, s.height, a.size::float8 as size, a.sha256, s.updated_at
    from source_pictures s join artifacts a on a.id = s.artifact_id
    where s.version_id = $1
    `,
    [version_id],
  );
  return row && { ...row, updated_at: iso(row.updated_at) };
}

/** False if it was this one already. Call inside `editDraft`. */
export async function replaceSourcePicture(
  tx: Db,
  owner: { version_id: string; tenant_id: string },
  { artifact, width, height }: Pick<SourcePicture, "artifact" | "width" | "height">,
): Promise<boolean> {
  const row = await queryOne(
    tx,
    `
    insert into source_pictures (version_id, tenant_id, artifact_id, width, height) values ($1, $2, $3, $4, $5)
    on conflict (version_id) do update set artifact_id = excluded.artifact_id, width = excluded.width,
      height = excluded.height, updated_at = now()
      where source_pictures.artifact_id is distinct from excluded.artifact_id
    returning version_id
    `,
    [owner.version_id, owner.tenant_id, artifact, width, height],
  );
  return row !== null;
}

/** False if there was none. Call inside `editDraft`. The artifact stays: a job may be cutting it, another version may have it. */
export async function deleteSourcePicture(tx: Db, version_id: string): Promise<boolean> {
  const rows = await query(tx, `delete from source_pictures where version_id = $1 returning version_id`, [version_id]);
  return rows.length > 0;
}
