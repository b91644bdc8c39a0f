/** Accepts a publish: a job with its guard. What every job's acceptance has is in accept-job.ts. */
import { v7 as uuidv7 } from "uuid";
import type { Environment } from "../../contract/publish.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { findVersion } from "../projects/version-store.ts";
import { readinessProblems } from "../releases/validate-version.ts";
import type { Principal } from "../tenants/principal.ts";
import { acceptJob, type AcceptDeps, type AcceptedJob, type Also } from "./accept-job.ts";
import { claimGuard } from "./guard-store.ts";
import { remember, type Idempotency, type KeyedRequest } from "./idempotency.ts";
import { demandFuture } from "./job-terms.ts";
import { insertJob, type JobTerms } from "./new-job-store.ts";
import * as store from "./request-publish-store.ts";

export interface PublishRequest extends JobTerms {
  /** Slug. */
  project: string;
  version: number;
  environment: Environment;
  by: Principal;
  /** `Idempotency-Key` and the route it came by. */
  idempotency?: Idempotency;
}

/**
 * Errors: project_not_found, version_not_found, version_invalid,
 * publish_running, already_live, idempotency_key_reused; then nothing has been written.
 */
export async function requestPublish(deps: AcceptDeps, request: PublishRequest, also?: Also): Promise<AcceptedJob> {
  const { project } = request;
  return acceptJob(deps, {
    ...{ keyed: keyed(request), project, also },
    async insert(tx) {
      const { idempotency: _, ...publish } = request;
      const id = uuidv7();
      // Before the guard: a repeat of the request that holds the guard is a replay, not a conflict.
      await insertPublish(tx, { ...publish, id }, () => remember(tx, keyed(request), { job_id: id, generation: 1 }));
      return id;
    },
  });
}

/** A publish as a job that is to be inserted. */
export interface NewPublish extends Omit<PublishRequest, "by" | "idempotency"> {
  id: string;
  /** `id`: null for what Platen starts by itself. */
  by: { id: string | null; tenant_id: string };
  parent?: { id: string; member_key: string };
}

/** Row, guard and all that is demanded of a publish; `inserted` runs between row and guard. Errors: see `requestPublish`. */
export async function insertPublish(tx: Db, publish: NewPublish, inserted?: () => Promise<void>): Promise<void> {
  const { id, by, environment, project: slug, version: number, ...terms } = publish;
  demandFuture(terms);
  const version = await findVersion(tx, { tenant_id: by.tenant_id, project: slug, version: number });
  await insertJob(tx, {
    ...terms,
    id,
    tenant_id: by.tenant_id,
    job_type: "publish",
    message: `Publish of ${version.project} version ${version.number} to ${environment} is queued`,
    payload: { project: version.project, version: version.number, target_environment: environment },
    project_id: version.project_id,
    version_id: version.id,
    environment,
    created_by: by.id,
  });
  await inserted?.();
  const problems = await readinessProblems(tx, version);
  const [first] = problems;
  if (first) {
    const facts = { count: problems.length, first: `${first.path}: ${first.message}` };
    throw new AppError("version_invalid", facts, { problems });
  }
  await claim(tx, { tenant_id: by.tenant_id, project_id: version.project_id, environment }, id, version);
}

async function claim(
  tx: Db,
  key: { tenant_id: string; project_id: string; environment: Environment },
  id: string,
  version: { id: string; project: string; number: number },
): Promise<void> {
  const { project } = version;
  const holder = await claimGuard(tx, key, id);
  if (holder !== id) {
    throw new AppError("publish_running", {
      job: holder,
      project,
      environment: key.environment,
      link: `/jobs/${holder}`,
    });
  }
  // Under the guard nobody else can switch: what is live stays so until this transaction ends.
  if ((await store.findLiveVersion(tx, key)) === version.id) {
    throw new AppError("already_live", { project, version: version.number, environment: key.environment });
  }
}

const keyed = ({ by, idempotency, ...asked }: PublishRequest): KeyedRequest => ({
  ...{ by, asked },
  ...(idempotency ? { idempotency } : {}),
});
