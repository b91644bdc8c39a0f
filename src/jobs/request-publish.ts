/**
 * Accepts a publish: job, guard, first event and idempotency key in one transaction, then the workflow. The row is the outbox:
 * when Temporal cannot be reached, or this process dies before it asked, the reconciler starts what is queued.
 */
import { v7 as uuidv7 } from "uuid";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { pendingSteps } from "../../contract/progress.ts";
import type { Environment } from "../../contract/publish.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { transaction, type Database, type Db } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import { sqlState } from "../outage.ts";
import { findVersion } from "../projects/version-store.ts";
import { readinessProblems } from "../releases/validate-version.ts";
import type { Executions } from "../temporal.ts";
import type { Principal } from "../tenants/principal.ts";
import { claimGuard } from "./guard-store.ts";
import { KeyTaken, recall, remember, type Idempotency, type KeyedRequest } from "./idempotency.ts";
import type { JobNotifier } from "./job-notifier.ts";
import { findJob, type JobRecord } from "./job-queries-store.ts";
import { startSoon } from "./protocol/start.ts";
import * as store from "./request-publish-store.ts";

export interface PublishRequest {
  /** Slug. */
  project: string;
  version: number;
  environment: Environment;
  by: Principal;
  /** `Idempotency-Key` and the route it came by. */
  idempotency?: Idempotency;
}

export interface PublishDeps {
  database: Database;
  executions: Executions;
  notifier: JobNotifier;
  log: Log;
}

/** SQLSTATE of a row that refers to none. */
const FOREIGN_KEY = "23503";

/**
 * Errors: project_not_found, version_not_found, version_invalid,
 * publish_running, already_live, idempotency_key_reused; then nothing has been written.
 */
export async function requestPublish(deps: PublishDeps, request: PublishRequest): Promise<AcceptedPublish> {
  const accepted = await accept(deps.database, request);
  if (accepted.replayed) return accepted;
  deps.notifier.touch(accepted.job.id);
  await startSoon(deps, accepted.job.id, 1);
  return accepted;
}

export interface AcceptedPublish {
  /** As it was accepted; a replayed one as it is now. */
  job: JobRecord;
  /** The same request came before, and this is its job. */
  replayed: boolean;
}

async function accept(database: Database, request: PublishRequest): Promise<AcceptedPublish> {
  const replayed = await replay(database.em.fork(), request);
  if (replayed) return replayed;
  try {
    return await transaction(database, (tx) => insert(tx, request));
  } catch (error) {
    // The same request was accepted meanwhile, by another connection: answer what it was answered.
    const winner = error instanceof KeyTaken ? await replay(database.em.fork(), request) : null;
    if (winner) return winner;
    // The project was deleted between the look for its version and the insert that refers to it.
    if (sqlState(error) === FOREIGN_KEY) throw new AppError("project_not_found", { project: request.project });
    throw error;
  }
}

async function replay(db: Db, request: PublishRequest): Promise<AcceptedPublish | null> {
  const found = await recall(db, keyed(request));
  return found && { job: await accepted(db, request, found.job_id), replayed: true };
}

async function accepted(db: Db, { by }: PublishRequest, id: string): Promise<JobRecord> {
  const job = await findJob(db, { tenant_id: by.tenant_id, id });
  if (!job) throw new AppError("job_not_found", { job: id });
  return job;
}

async function insert(tx: Db, request: PublishRequest): Promise<AcceptedPublish> {
  const { by, environment } = request;
  const version = await findVersion(tx, {
    tenant_id: by.tenant_id,
    project: request.project,
    version: request.version,
  });
  const id = uuidv7();
  const message = `Publish of ${version.project} version ${version.number} to ${environment} is queued`;
  await store.insertJob(tx, {
    id,
    tenant_id: by.tenant_id,
    job_type: "publish",
    message,
    steps: pendingSteps(JOB_TYPES.publish.steps),
    payload: { project: version.project, version: version.number, target_environment: environment },
    project_id: version.project_id,
    version_id: version.id,
    environment,
    created_by: by.id,
    workflow_id: workflowId("publish", id),
  });
  // Before the guard: a repeat of the request that holds the guard is a replay, not a conflict.
  await remember(tx, keyed(request), { job_id: id, generation: 1 });
  const problems = await readinessProblems(tx, version);
  const [first] = problems;
  if (first) {
    const facts = { count: problems.length, first: `${first.path}: ${first.message}` };
    throw new AppError("version_invalid", facts, { problems });
  }
  await claim(tx, { tenant_id: by.tenant_id, project_id: version.project_id, environment }, id, version);
  return { job: await accepted(tx, request, id), replayed: false };
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

const keyed = ({ by, idempotency, project, version, environment }: PublishRequest): KeyedRequest => ({
  ...{ by, asked: { project, version, environment } },
  ...(idempotency ? { idempotency } : {}),
});
