/**
 * Versions of a project, and the one way to change a draft.
 *
 *   draft ──first release (the switch of a publish)──► published, frozen for good
 *
 * Every edit locks the version's row before anything else and never touches a job's row: the switch of a publish locks its
 * job and then the version, so the two cannot wait for each other in a circle. The lock is `for no key update`: a new job's
 * foreign key holds the version by `for key share` until its transaction ends, which `for update` would wait for, and which
 * would itself wait behind every import.
 */
import { v7 as uuidv7 } from "uuid";
import { AppError } from "../errors.ts";
import { iso, query, queryOne, transaction, type Db } from "../db.ts";
import { keepPicture } from "./source-picture-store.ts";
import { OVERLAY_COLUMNS } from "./overlay-store.ts";

export type VersionStatus = "draft" | "published";

export interface Version {
  id: string;
  tenant_id: string;
  /** Slug of the tenant. */
  tenant: string;
  project_id: string;
  /** Slug of the project. */
  project: string;
  /** 1, 2, … within the project. */
  number: number;
  status: VersionStatus;
  /** Grows with every edit and every tile; a publish demands that it stays what it was. */
  revision: number;
  /** ISO 8601; null while it is a draft. */
  published_at: string | null;
  /** Revisions that whoever edits it has seen: an edit is refused at any other. Absent: whatever it is. */
  expected?: readonly number[];
}

/** Names a version as a caller does; `tenant_id` is the caller's own. */
export interface VersionRef {
  tenant_id: string;
  /** Slug. */
  project: string;
  version: number;
}

const COLUMNS = `
  v.id, v.tenant_id, t.slug as tenant, v.project_id, p.slug as project, v.number, v.status, v.revision, v.published_at
`;

const withTime = (row: Version): Version => ({ ...row, published_at: iso(row.published_at) });

/** Errors: `project_not_found`, `version_not_found`; a foreign tenant's are not found either. */
export async function findVersion(db: Db, ref: VersionRef): Promise<Version> {
  const row = await queryOne<Version>(
    db,
    `
    select ${COLUMNS}
    from versions v join projects p on p.id = v.project_id join tenants t on t.id = v.tenant_id
    where v.tenant_id = $1 and p.tenant_id = $1 and p.slug = $2 and v.number = $3
    `,
    [ref.tenant_id, ref.project, ref.version],
  );
  if (row) return withTime(row);
  const project = await queryOne(db, `select 1 from projects where tenant_id = $1 and slug = $2`, [
    ref.tenant_id,
    ref.project,
  ]);
  throw new AppError(project ? "version_not_found" : "project_not_found", {
    project: ref.project,
    version: ref.version,
  });
}

/** The version, if it can still be changed. Errors: as `findVersion`, and `version_published`. */
export async function findDraft(db: Db, ref: VersionRef): Promise<Version> {
  const version = await findVersion(db, ref);
  refuseFrozen(version);
  return version;
}

/** Newest first. Errors: `project_not_found`. */
export async function listVersions(db: Db, ref: { tenant_id: string; project: string }): Promise<Version[]> {
  const rows = await query<Version>(
    db,
    `
    select ${COLUMNS}
    from versions v join projects p on p.id = v.project_id join tenants t on t.id = v.tenant_id
    where v.tenant_id = $1 and p.tenant_id = $1 and p.slug = $2
    order by v.number desc
    `,
    [ref.tenant_id, ref.project],
  );
  if (rows.length > 0) return rows.map(withTime);
  const project = await queryOne(db, `select 1 from projects where tenant_id = $1 and slug = $2`, [
    ref.tenant_id,
    ref.project,
  ]);
  if (!project) throw new AppError("project_not_found", { project: ref.project });
  return [];
}

/**
 * Changes a draft in one transaction that holds the version's row, and bumps the revision unless `edit` answers
 * `changed: false`. `edit` is given the revision before it; answers the one after it. Errors: `version_published`, `version_not_found`, `precondition_failed`, and what
 * `edit` throws: then nothing has changed.
 */
export async function editDraft<T extends { changed: boolean }>(
  db: Db,
  version: Pick<Version, "id" | "tenant_id" | "project" | "number" | "expected">,
  edit: (tx: Db, revision: number) => Promise<T>,
): Promise<T & { revision: number }> {
  return transaction(db, async (tx) => {
    const locked = await queryOne<Pick<Version, "status" | "revision">>(
      tx,
      `select status, revision from versions where id = $1 and tenant_id = $2 for no key update`,
      [version.id, version.tenant_id],
    );
    if (!locked) throw new AppError("version_not_found", { project: version.project, version: version.number });
    refuseFrozen({ ...version, ...locked });
    demandRevision({ ...version, ...locked });
    const result = await edit(tx, locked.revision);
    if (!result.changed) return { ...result, revision: locked.revision };
    await query(tx, `update versions set revision = revision + 1, updated_at = now() where id = $1`, [version.id]);
    return { ...result, revision: locked.revision + 1 };
  });
}

/** Inserts the project's next version, a draft without content. The caller holds the project by `lockProject`. */
export async function insertVersion(
  tx: Db,
  version: { tenant_id: string; project_id: string; created_by: string | null },
): Promise<{ id: string; number: number }> {
  const row = await queryOne<{ id: string; number: number }>(
    tx,
    `
    insert into versions (id, tenant_id, project_id, created_by, number)
    select $1, $2, $3, $4, coalesce(max(number), 0) + 1 from versions where project_id = $3
    returning id, number
    `,
    [uuidv7(), version.tenant_id, version.project_id, version.created_by],
  );
  if (!row) throw new Error(`no row for a new version of project ${version.project_id}`);
  return row;
}

/** Copies config, layers, overlays, source picture and descriptor. One statement, so that all are of the same moment. */
export async function copyContent(tx: Db, ids: { tenant_id: string; from: string; to: string }): Promise<void> {
  await query(
    tx,
    `
    with config as (
      insert into configs (version_id, tenant_id, body)
      select $3, tenant_id, body from configs where version_id = $2 and tenant_id = $1
    ), layer as (
      insert into layers (id, version_id, tenant_id, ref, label, style, visible, sort_order)
      select gen_random_uuid(), $3, tenant_id, ref, label, style, visible, sort_order
      from layers where version_id = $2 and tenant_id = $1
    ), tile_set as (
      insert into tile_sets (version_id, tenant_id, width, height, tile_size, overlap, format)
      select $3, tenant_id, width, height, tile_size, overlap, format
      from tile_sets where version_id = $2 and tenant_id = $1
    ), picture as (
      insert into source_pictures (version_id, tenant_id, artifact_id, width, height)
      select $3, tenant_id, artifact_id, width, height from source_pictures where version_id = $2 and tenant_id = $1
    )
    insert into overlays (version_id, tenant_id, ${OVERLAY_COLUMNS})
    select $3, tenant_id, ${OVERLAY_COLUMNS} from overlays where version_id = $2 and tenant_id = $1
    `,
    [ids.tenant_id, ids.from, ids.to],
  );
  // The one that is copied may have been given another picture just now.
  await keepPicture(tx, ids.to);
}

/** Error: `precondition_failed`, where it is at none of the revisions that are expected of it. */
export function demandRevision(version: Pick<Version, "project" | "number" | "revision" | "expected">): void {
  const { project, number, revision, expected } = version;
  if (!expected || expected.includes(revision)) return;
  const seen = expected.length > 0 ? `revision ${expected.join(" or ")}` : "a tag that no draft here has";
  throw new AppError("precondition_failed", { project, version: number, revision, expected: seen });
}

function refuseFrozen(version: Pick<Version, "status" | "project" | "number">): void {
  if (version.status === "published")
    throw new AppError("version_published", { project: version.project, version: version.number });
}
