/** Accepts a job of any type: what its payload names is looked up as the table of job types says. */
import { v7 as uuidv7 } from "uuid";
import { titleOf } from "../../contract/job-title.ts";
import { definitionOf, type JobType } from "../../contract/job-types.ts";
import type { Environment } from "../../contract/publish.ts";
import { AppError } from "../errors.ts";
import { mayActAs, type Principal } from "../tenants/principal.ts";
import { acceptJob, type AcceptDeps, type AcceptedJob, type Also } from "./accept-job.ts";
import { remember, type Idempotency, type KeyedRequest } from "./idempotency.ts";
import { demandFuture } from "./job-terms.ts";
import { checkMembers } from "./groups/check-members.ts";
import { insertGroup } from "./groups/insert-group.ts";
import { insertJob, type JobTerms } from "./new-job-store.ts";
import { subjectOf } from "./job-subject.ts";
import { demandUploads } from "./named-uploads.ts";
import { requestPublish } from "./request-publish.ts";

export interface JobRequest extends JobTerms {
  type: JobType;
  /** As `definitionOf(type).payload` describes it, with its defaults. */
  payload: Record<string, unknown>;
  by: Principal;
  /** `Idempotency-Key` and the route it came by. */
  idempotency?: Idempotency;
  /** JSON pointer of the payload in the request's body, for what is wrong with what it names; the body itself by default. */
  at?: string;
}

/**
 * Errors: forbidden, project_not_found, version_not_found, version_published, idempotency_key_reused, of a publish those of
 * `requestPublish`, for what is wrong within the payload invalid_request; then nothing has been written.
 */
export async function requestJob(deps: AcceptDeps, request: JobRequest, also?: Also): Promise<AcceptedJob> {
  const { type, payload, by, idempotency, at = "", ...terms } = request;
  demandRole(type, by);
  if (type === "publish") {
    const { project, version, target_environment } = payload as {
      project: string;
      version: number;
      target_environment: Environment;
    };
    const target = { project, version, environment: target_environment };
    return requestPublish(deps, { ...terms, ...target, by, ...(idempotency ? { idempotency } : {}) }, also);
  }
  const keyed: KeyedRequest = { by, asked: { type, payload, ...terms }, ...(idempotency ? { idempotency } : {}) };
  const project = typeof payload["project"] === "string" ? payload["project"] : null;
  return acceptJob(deps, {
    ...{ keyed, project, also },
    async insert(tx) {
      demandFuture(terms);
      const id = uuidv7();
      if (type === "group") {
        // Here, and not before: a repeat of what was accepted is answered as it was, whatever has become of its drafts.
        const members = await checkMembers(tx, { payload, by, at, ...terms });
        await insertGroup(tx, { ...terms, id, by, payload }, members);
        await remember(tx, keyed, { job_id: id, generation: 1 });
        return id;
      }
      const subject = await subjectOf(tx, request);
      await demandUploads(tx, by.tenant_id, { type, payload, at });
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
