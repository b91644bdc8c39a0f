/** Projects: what versions belong to, and the first segment of public URLs. */
import { v7 as uuidv7 } from "uuid";
import { AppError } from "../errors.ts";
import { iso, query, queryOne, transaction, type Db } from "../db.ts";
import { projectPrefix } from "../storage/keys.ts";
import { lockPlaces, unmark } from "../storage/orphan-store.ts";

export interface Project {
  id: string;
  tenant_id: string;
  /** Unique over all tenants. */
  slug: string;
  name: string;
  /** ISO 8601. */
  created_at: string;
}

const COLUMNS = `id, tenant_id, slug, name, created_at`;

const withTime = (row: Project): Project => ({ ...row, created_at: iso(row.created_at) });

/** Errors: `project_not_found`; a foreign tenant's is not found either. */
export async function findProject(db: Db, ref: { tenant_id: string; project: string }): Promise<Project> {
  const row = await queryOne<Project>(db, `select ${COLUMNS} from projects where tenant_id = $1 and slug = $2`, [
    ref.tenant_id,
    ref.project,
  ]);
  if (!row) throw new AppError("project_not_found", { project: ref.project });
  return withTime(row);
}

/** By slug, after `afterSlug` (`""` for the first page), at most `limit`. */
export async function listProjects(
  db: Db,
  page: { tenant_id: string; afterSlug: string; limit: number },
): Promise<Project[]> {
  const rows = await query<Project>(
    db,
    `select ${COLUMNS} from projects where tenant_id = $1 and slug > $2 order by slug limit $3`,
    [page.tenant_id, page.afterSlug, page.limit],
  );
  return rows.map(withTime);
}

/** `slug` and `name` as `projectSlug` and `projectName` accept them. Errors: `project_exists`, in any tenant; `objects_being_removed`. */
export async function createProject(
  db: Db,
  project: { tenant_id: string; slug: string; name: string; created_by: string | null },
): Promise<Project> {
  return transaction(db, async (tx) => {
    const made = await insertProject(tx, project);
    await holdPrefix(tx, project);
    return made;
  });
}

/** What is left of a deleted project of that name may be an orphan by now. Error: objects_being_removed. */
async function holdPrefix(tx: Db, { tenant_id, slug }: { tenant_id: string; slug: string }): Promise<void> {
  const tenant = await queryOne<{ slug: string }>(tx, `select slug from tenants where id = $1`, [tenant_id]);
  const place = { store: "private", prefix: projectPrefix(tenant?.slug ?? "", slug) } as const;
  await lockPlaces(tx, [place]);
  const removing = await unmark(tx, { store: place.store, prefixes: [place.prefix] });
  if (removing.length > 0) throw new AppError("objects_being_removed", { prefix: place.prefix });
}

async function insertProject(
  db: Db,
  project: { tenant_id: string; slug: string; name: string; created_by: string | null },
): Promise<Project> {
  const row = await queryOne<Project>(
    db,
    `
    insert into projects (id, tenant_id, slug, name, created_by) values ($1, $2, $3, $4, $5)
    on conflict (slug) do nothing
    returning ${COLUMNS}
    `,
    [uuidv7(), project.tenant_id, project.slug, project.name, project.created_by],
  );
  if (!row) throw new AppError("project_exists", { project: project.slug });
  return withTime(row);
}

/**
 * Holds the project until the transaction ends, so that its version numbers are handed out one at a time. `no key` because
 * a publish that starts meanwhile refers to the row. Errors: `project_not_found`.
 */
export async function lockProject(tx: Db, ref: { tenant_id: string; project: string }): Promise<Project> {
  const row = await queryOne<Project>(
    tx,
    `select ${COLUMNS} from projects where tenant_id = $1 and slug = $2 for no key update`,
    [ref.tenant_id, ref.project],
  );
  if (!row) throw new AppError("project_not_found", { project: ref.project });
  return withTime(row);
}
