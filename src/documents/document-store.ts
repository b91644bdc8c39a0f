/** What documents need to know that no other store tells. */
import { iso, query, queryOne, type Db } from "../db.ts";

/** When the job was asked for, and when its row may be removed. ISO 8601. */
export async function jobTimes(db: Db, id: string): Promise<{ created_at: string; expires_at: string | null }> {
  const row = await queryOne<{ created_at: string; expires_at: string | null }>(
    db,
    `select created_at, expires_at from jobs where id = $1`,
    [id],
  );
  if (!row) throw new Error(`no job ${id}`);
  return { created_at: iso(row.created_at), expires_at: iso(row.expires_at) };
}

export interface SubjectVersion {
  id: string;
  project_id: string;
  /** Slug. */
  project: string;
  project_name: string;
  number: number;
  tenant: string;
}

export async function readSubject(db: Db, version_id: string): Promise<SubjectVersion> {
  const row = await queryOne<SubjectVersion>(
    db,
    `
    select v.id, v.project_id, p.slug as project, p.name as project_name, v.number, t.slug as tenant
    from versions v join projects p on p.id = v.project_id join tenants t on t.id = v.tenant_id
    where v.id = $1
    `,
    [version_id],
  );
  if (!row) throw new Error(`no version ${version_id}`);
  return row;
}

export interface EarlierRelease {
  id: string;
  version_id: string;
  version: number;
  published_at: string;
}

/** The release of the same project that was published last before the moment. */
export async function releaseBefore(
  db: Db,
  key: { project_id: string; published_at: string; id: string },
): Promise<EarlierRelease | null> {
  const row = await queryOne<EarlierRelease>(
    db,
    `
    select r.id, r.version_id, v.number as version, r.published_at
    from releases r join versions v on v.id = r.version_id
    where r.project_id = $1 and r.id <> $3 and (r.published_at, r.id) < ($2::timestamptz, $3)
    order by r.published_at desc, r.id desc
    limit 1
    `,
    [key.project_id, key.published_at, key.id],
  );
  return row && { ...row, published_at: iso(row.published_at) };
}

export type Change = "added" | "removed" | "changed";

export interface OverlayChange {
  ref: string;
  change: Change;
  type: string;
  label: Record<string, string>;
  /** What differs, of an overlay that both have. */
  what: string[];
}

/** By ref; `limit`: the first of them, in the order of their refs. */
export async function changesBetween(
  db: Db,
  versions: { before: string; after: string; limit: number },
): Promise<OverlayChange[]> {
  return query<OverlayChange>(
    db,
    `
    select coalesce(n.ref, o.ref) as ref, coalesce(n.type, o.type) as type, coalesce(n.label, o.label) as label,
      case when o.ref is null then 'added' when n.ref is null then 'removed' else 'changed' end as change,
      array_remove(array[
        case when o.geometry is distinct from n.geometry then 'shape' end,
        case when o.label is distinct from n.label then 'label' end,
        case when o.type is distinct from n.type then 'type' end,
        case when o.layer is distinct from n.layer then 'layer' end,
        case when o.properties is distinct from n.properties then 'properties' end,
        case when o.style is distinct from n.style then 'style' end,
        case when o.visible is distinct from n.visible then 'visibility' end
      ], null) as what
    from (select * from overlays where version_id = $1) o
    full join (select * from overlays where version_id = $2) n on n.ref = o.ref
    where o.ref is null or n.ref is null
      or (o.geometry, o.label, o.type, o.layer, o.properties, o.style, o.visible)
        is distinct from (n.geometry, n.label, n.type, n.layer, n.properties, n.style, n.visible)
    order by 1
    limit $3
    `,
    [versions.before, versions.after, versions.limit],
  );
}
