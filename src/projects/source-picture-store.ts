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
  const before = await findSourcePicture(tx, owner.version_id);
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
  await keepPicture(tx, owner.version_id);
  if (row && before) await letGo(tx, before.artifact);
  return row !== null;
}

/** The version's picture stays for as long as the version has it, whatever was said of it before. */
export async function keepPicture(tx: Db, version_id: string): Promise<void> {
  await query(
    tx,
    `
    update artifacts set expires_at = null
    where id in (select artifact_id from source_pictures where version_id = $1) and expires_at is not null
    `,
    [version_id],
  );
}

/** What no draft has any more goes when these are over: a job may be cutting it, and whoever replaced it may want it back. */
const REPLACED_DAYS = 7;

async function letGo(tx: Db, artifact: string): Promise<void> {
  // Waits for a copy that is being made of the draft, which refers to it.
  await query(tx, `select 1 from artifacts where id = $1 for update`, [artifact]);
  await query(
    tx,
    `
    update artifacts a set expires_at = now() + make_interval(days => $2)
    where id = $1 and kind = 'upload' and expires_at is null and not exists (select 1 from source_pictures s where s.artifact_id = a.id)
    `,
    [artifact, REPLACED_DAYS],
  );
}

/** False if there was none. Call inside `editDraft`. The artifact stays for some days, and for as long as another version has it. */
export async function deleteSourcePicture(tx: Db, version_id: string): Promise<boolean> {
  const row = await queryOne<{ artifact: string }>(
    tx,
    `delete from source_pictures where version_id = $1 returning artifact_id as artifact`,
    [version_id],
  );
  if (row) await letGo(tx, row.artifact);
  return row !== null;
}
