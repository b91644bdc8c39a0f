/** Accepts a job of any type: what its payload names is looked up as the table of job types says. */
import { v7 as uuidv7 } from "uuid";
import { titleOf } from "../../contract/job-title.ts";
import { definitionOf, type JobType } from "../../contract/job-types.ts";
import type { Environment } from "../../contract/publish.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { findProject } from "../projects/project-store.ts";
import { findDraft, findVersion } from "../projects/version-store.ts";
import { mayActAs, type Principal } from "../tenants/principal.ts";
import { acceptJob, type AcceptDeps, type AcceptedJob } from "./accept-job.ts";
import { remember, type Idempotency, type KeyedRequest } from "./idempotency.ts";
import { insertJob, type JobTerms } from "./new-job-store.ts";
import { requestPublish } from "./request-publish.ts";

export interface JobRequest extends JobTerms {
  type: JobType;
  /** As `definitionOf(type).payload` describes it, with its defaults. */
  payload: Record<string, unknown>;
  by: Principal;
  /** `Idempotency-Key` and the route it came by. */
  idempotency?: Idempotency;
}

/** What a job is about. */
export interface JobSubject {
  project_id: string | null;
  /** Slug. */
  project: string | null;
  version_id: string | null;
  version: number | null;
}

/**
 * Errors: forbidden, project_not_found, version_not_found, version_published, idempotency_key_reused, and of a publish those of
 * `requestPublish`; then nothing has been written.
 */
export async function requestJob(deps: AcceptDeps, request: JobRequest): Promise<AcceptedJob> {
  const { type, payload, by, idempotency, ...terms } = request;
  demandRole(type, by);
  if (type === "publish") {
    const { project, version, target_environment } = payload as {
      project: string;
      version: number;
      target_environment: Environment;
    };
    const target = { project, version, environment: target_environment };
    return requestPublish(deps, { ...terms, ...target, by, ...(idempotency ? { idempotency } : {}) });
  }
  const keyed: KeyedRequest = { by, asked: { type, payload, ...terms }, ...(idempotency ? { idempotency } : {}) };
  const project = typeof payload["project"] === "string" ? payload["project"] : null;
  return acceptJob(deps, {
    keyed,
    project,
    async insert(tx) {
      const id = uuidv7();
      const subject = await subjectOf(tx, request);
      const what = titleOf(type, request.title ?? null, { ...subject, environment: null });
      const { project_id, version_id } = subject;
      const message = `${what} is queued`;
      const row = { id, tenant_id: by.tenant_id, job_type: type, message, payload, created_by: by.id };
      await insertJob(tx, { ...terms, ...row, project_id, version_id, environment: null });
      await remember(tx, keyed, { job_id: id, generation: 1 });
      return id;
    },
  });
}

/** Error: forbidden. */
export function demandRole(type: JobType, by: Principal): void {
  const { role: needed } = definitionOf(type);
  if (!mayActAs(by.role, needed)) throw new AppError("forbidden", { needed, role: by.role });
}

/** Errors: project_not_found, version_not_found, version_published. */
export async function subjectOf(
  db: Db,
  { type, payload, by }: Pick<JobRequest, "type" | "payload" | "by">,
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
  const found = await (resource.startsWith("draft") ? findDraft(db, ref) : findVersion(db, ref));
  return { project_id: found.project_id, project, version_id: found.id, version };
}
