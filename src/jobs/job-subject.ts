/** What a job is about, by what its payload names. */
import { definitionOf, type JobType } from "../../contract/job-types.ts";
import type { Db } from "../db.ts";
import { findProject } from "../projects/project-store.ts";
import { findDraft, findVersion } from "../projects/version-store.ts";
import type { Principal } from "../tenants/principal.ts";

export interface JobSubject {
  project_id: string | null;
  /** Slug. */
  project: string | null;
  version_id: string | null;
  version: number | null;
}

/** Errors: project_not_found, version_not_found, version_published. */
export async function subjectOf(
  db: Db,
  { type, payload, by }: { type: JobType; payload: Record<string, unknown>; by: Pick<Principal, "tenant_id"> },
): Promise<JobSubject> {
  const { resource } = definitionOf(type);
  const { project, version } = payload as { project?: string; version?: number };
  const nothing = { project_id: null, project: null, version_id: null, version: null };
  if (resource === "tenant" || project === undefined) return nothing;
  if (resource === "project" || version === undefined) {
    const found = await findProject(db, { tenant_id: by.tenant_id, project });
    return { ...nothing, project_id: found.id, project };
  }
  const ref = { tenant_id: by.tenant_id, project, version };
  const found = await (resource === "draft" ? findDraft(db, ref) : findVersion(db, ref));
  return { project_id: found.project_id, project, version_id: found.id, version };
}
