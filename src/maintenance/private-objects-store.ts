/** Which objects of the private store drafts and jobs refer to. */
import { query, queryOne, type Db } from "../db.ts";

interface Cut {
  tenant_id: string;
  /** Slug. */
  project: string;
  /** Of all tiles that jobs cut for it. */
  prefix: string;
}

export async function hasProject(db: Db, tenant_id: string, slug: string): Promise<boolean> {
  const sql = `select 1 from projects where tenant_id = $1 and slug = $2`;
  return (await queryOne(db, sql, [tenant_id, slug])) !== null;
}

/** Does a job count on the tiles that are there: one that is open, or one that a retry would go on with? */
export async function isCutClaimed(db: Db, { tenant_id, project, prefix }: Cut): Promise<boolean> {
  const row = await queryOne(
    db,
    `
    select 1 from object_claims c join projects p on p.id = c.project_id join jobs j on j.id = c.job_id
    where p.tenant_id = $1 and p.slug = $2 and c.prefix = $3 and j.status not in ('completed', 'partially_completed')
    limit 1
    `,
    [tenant_id, project, prefix],
  );
  return row !== null;
}

const NAMED = `
  from tiles t join versions v on v.id = t.version_id join projects p on p.id = v.project_id
  where p.tenant_id = $1 and p.slug = $2 and t.by_digest`;

export async function isCutTileNamed(db: Db, cut: Cut & { sha256: string }): Promise<boolean> {
  const params = [cut.tenant_id, cut.project, cut.sha256];
  return (await queryOne(db, `select 1 ${NAMED} and t.sha256 = $3 limit 1`, params)) !== null;
}

/** Those that begin so and a draft or a release's version has; all, while a job counts on them. */
export async function cutTilesInUse(db: Db, cut: Cut & { begin: string }): Promise<ReadonlySet<string> | "all"> {
  if (await isCutClaimed(db, cut)) return "all";
  const params = [cut.tenant_id, cut.project, cut.begin];
  const rows = await query<{ sha256: string }>(
    db,
    `select distinct t.sha256 ${NAMED} and starts_with(t.sha256, $3)`,
    params,
  );
  return new Set(rows.map(({ sha256 }) => sha256));
}

/** A manifest is read by its own job, until that has ended and no retry would go on with it. */
export async function isManifestInUse(db: Db, job: string): Promise<boolean> {
  const row = await queryOne(
    db,
    `
    select 1 from jobs j where j.id = $1 and (j.status in ('queued', 'running')
      or (j.status in ('failed', 'cancelled') and exists (select 1 from object_claims c where c.job_id = j.id)))
    `,
    [job],
  );
  return row !== null;
}
