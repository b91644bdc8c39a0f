/** A run of a schedule is due: an ordinary job is accepted for it, once, whatever is tried again. */
import { v7 as uuidv7 } from "uuid";
import { insertAuditEvent, insertAuditOutcome } from "../../audit/audit-store.ts";
import { auditDetails, shortText } from "../../audit/audit-details.ts";
import { definitionOf } from "../../../contract/job-types.ts";
import type { Db } from "../../db.ts";
import { AppError, reasonOf } from "../../errors.ts";
import { judge } from "../../projects/schema-problems.ts";
import { lesserRole, type Principal, type Role } from "../../tenants/principal.ts";
import { heldRole } from "../../tenants/tenant-store.ts";
import { findRemembered } from "../idempotency-store.ts";
import { payloadSchema } from "../payload-schema.ts";
import type { CancelRequested } from "../../temporal-requests.ts";
import { cancelJob, type CancelRequest } from "../protocol/cancel.ts";
import { SOMEBODY } from "../protocol/cancel-stages.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { requestJob } from "../request-job.ts";
import { TERMINATE_SECONDS } from "./limits.ts";
import { jobOfRun, noteRun, noteStale, openJobsOf, readSchedule, type ScheduleRow } from "./schedule-store.ts";

type Deps = Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">;

export interface DueRun {
  schedule_id: string;
  /** Workflow id and first run id in Temporal: the same after a reset, and no other run's. */
  run_key: string;
  /** ISO 8601. */
  scheduled_at: string;
  /** Of the schedule, when Temporal was told. */
  revision: number;
}

/** What Temporal says of itself when a run is in the way of the next: `temporal-scheduler-<namespace>-<schedule>`. */
const TEMPORALS_SCHEDULER = "temporal-scheduler-";

/** Of the keys by which requests are accepted once: the moment's, and not its attempt's. */
const ROUTE = "schedule";

/**
 * Answers the job's id, the same again however often it is called. What the schedule says is checked as it was when it was made: what it
 * names may be gone by now, and so may the rights of who made it. Errors: schedule_not_found, forbidden, and those of `requestJob`; then
 * the run's record says why there is no job.
 */
export async function startRun(deps: Deps, run: DueRun): Promise<string> {
  const db = () => deps.database.em.fork();
  const known = await jobOfRun(db(), run.run_key);
  if (known !== null) return known;
  const schedule = await readSchedule(db(), run.schedule_id);
  if (!schedule || schedule.deleted_at !== null) {
    // A telling that outlived its writer has landed after the deletion: else it would fire for ever.
    await deps.executions.schedules.remove(run.schedule_id);
    throw new AppError("schedule_not_found", { schedule: run.schedule_id });
  }
  if (run.revision !== schedule.revision) await noteStale(db(), schedule.id);
  try {
    const by = await entitled(db(), schedule);
    if (schedule.overlap === "terminate_other") await stopOthers(deps, schedule, run.run_key);
    const job_id = await accept(deps, schedule, run, by);
    await noteRun(db(), { ...run, job_id });
    return job_id;
  } catch (error) {
    if (error instanceof AppError && !error.definition.retryable) {
      await noteRun(db(), { ...run, job_id: null, error_code: error.code, error: `${error.message} ${error.action}` });
    }
    throw error;
  }
}

/** Who made the schedule as it is, with no more rights than their keys give them by now. Error: forbidden, where none works any more. */
async function entitled(db: Db, schedule: ScheduleRow): Promise<Principal> {
  const by = principalOf(schedule);
  const held = await heldRole(db, by);
  if (held !== null) return { ...by, role: lesserRole(held, by.role) };
  const { role: needed } = definitionOf(schedule.job_type);
  throw new AppError("forbidden", { needed, role: `expired or been revoked: no other key of ${by.name} works` });
}

async function accept(deps: Deps, schedule: ScheduleRow, run: DueRun, by: Principal): Promise<string> {
  const { run_key: key } = run;
  const { job_type: type, title, priority } = schedule;
  const terms = { priority, ...(title === null ? {} : { title }) };
  // A changed schedule asks for something else by the same key: what its moment was accepted as, it stays.
  const accepted = await findRemembered(deps.database.em.fork(), {
    tenant_id: by.tenant_id,
    principal_id: by.id,
    route: ROUTE,
    key,
  });
  if (accepted) return accepted.job_id;
  const judged = judge(payloadSchema(type), schedule.payload);
  const [first] = judged.problems;
  if (first) {
    const facts = { count: judged.count, first: `${first.path.slice(1)} in the payload: ${first.message}` };
    throw new AppError("invalid_request", facts, { problems: judged.problems });
  }
  const payload = judged.data as Record<string, unknown>;
  const request = { type, payload, by, ...terms, idempotency: { key, route: ROUTE } };
  const { job } = await requestJob(deps, request, async (tx, job_id) => {
    // With the job, and not after it: a schedule that is somebody else's by the next attempt would not find the key.
    await noteRun(tx, { ...run, job_id });
    await audit(tx, { schedule, run, job_id, role: by.role });
  });
  return job.id;
}

/** Nobody has sent a request: what has started the job is in the trail with whoever made the schedule as it is. */
async function audit(
  tx: Db,
  { schedule, run, job_id, role }: { schedule: ScheduleRow; run: DueRun; job_id: string; role: Role },
): Promise<void> {
  const { tenant_id, created_by, created_by_name, job_type, payload, name } = schedule;
  const { project = null } = auditDetails(payload) as { project?: string };
  const id = uuidv7();
  await insertAuditEvent(tx, {
    ...{ id, tenant_id, source: "schedule", principal_id: created_by, principal: created_by_name, role },
    ...{ action: "job.create", resource_type: "job", resource_id: job_id, project, job_id },
    ...{ request_id: null, remote_address: null, user_agent: null },
    details: { schedule: shortText(name), schedule_id: schedule.id, scheduled_at: run.scheduled_at, type: job_type },
  });
  const outcome = { outcome: "succeeded", status: null, code: null, resource_id: null, job_id: null } as const;
  await insertAuditOutcome(tx, { event_id: id, tenant_id, ...outcome });
}

/** Temporal has ended the runs, which runs no code of theirs: their jobs are stopped here. */
async function stopOthers(deps: Deps, schedule: ScheduleRow, but: string): Promise<void> {
  for (const job_id of await openJobsOf(deps.database.em.fork(), schedule.id, but))
    await stopJob(deps, schedule, job_id, { deadline_seconds: TERMINATE_SECONDS });
}

/**
 * Through the protocol, as anybody's cancel. A job that has ended, or is past its switch, is left as it is. `asked`: the cancel of its run, where
 * Temporal has one.
 */
export async function stopJob(
  deps: Deps,
  schedule: ScheduleRow,
  job_id: string,
  options: { asked?: CancelRequested | null; deadline_seconds: number },
): Promise<void> {
  const { asked, deadline_seconds } = options;
  try {
    await cancelJob(deps, { job_id, ...cancellerOf(schedule, asked ?? null), deadline_seconds });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    deps.log.info({ job_id, reason: reasonOf(error) }, "a job of a schedule could not be cancelled any more");
  }
}

/** Whose request it is, and why: the schedule's, by its overlap policy, or that of whoever has pressed in Temporal. */
function cancellerOf(schedule: ScheduleRow, asked: CancelRequested | null): Pick<CancelRequest, "by" | "reason"> {
  const { name, tenant_id } = schedule;
  if (!asked || asked.by?.startsWith(TEMPORALS_SCHEDULER))
    return { by: principalOf(schedule), reason: `the next run of the schedule ${name} was due` };
  const reason = asked.reason ?? `its run of the schedule ${name} was cancelled in Temporal`;
  return { by: { id: null, tenant_id, name: asked.by ?? SOMEBODY }, reason };
}

/** Who made the schedule as it is, with the rights that it was made with. */
function principalOf({ created_by: id, created_by_name: name, tenant_id, tenant, role }: ScheduleRow): Principal {
  return { id, name, tenant_id, tenant, role };
}
