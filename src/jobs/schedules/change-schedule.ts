/** What people do with schedules: make, change, pause, run now, delete. The row first, then Temporal. */
import { v7 as uuidv7 } from "uuid";
import { AppError, reasonOf } from "../../errors.ts";
import { inTime } from "../../in-time.ts";
import { sqlState } from "../../outage.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { checkMembers, demandMemberRoles } from "../groups/check-members.ts";
import { demandRole } from "../request-job.ts";
import { subjectOf } from "../job-subject.ts";
import { demandUploads } from "../named-uploads.ts";
import { applySchedule } from "./apply-schedule.ts";
import {
  dropSchedule,
  findSchedule,
  insertSchedule,
  markDeleted,
  updateSchedule,
  type ScheduleMaker,
  type ScheduleRow,
  type ScheduleTerms,
} from "./schedule-store.ts";

type Deps = Pick<ProtocolDeps, "database" | "executions" | "log">;

interface Which {
  id: string;
  tenant_id: string;
}

/** An answer waits so long for Temporal; the reconciler tells it later. */
const TELL_MS = 3_000;
/** SQLSTATE of a second row where there may be one. */
const UNIQUE = "23505";

/** Errors: forbidden, schedule_exists, those of `subjectOf`, invalid_request for an upload that is not there and where Temporal refuses the times; then there is none. */
export async function createSchedule(
  deps: Deps,
  by: Principal,
  terms: ScheduleTerms & { paused: boolean; note: string | null },
): Promise<ScheduleRow> {
  await demandStartable(deps, by, terms);
  const which = { id: uuidv7(), tenant_id: by.tenant_id };
  const db = deps.database.em.fork();
  if (!(await insertSchedule(db, { ...terms, ...which, ...makerOf(by) })))
    throw new AppError("schedule_exists", { name: terms.name });
  try {
    await tell(deps, which.id);
  } catch (error) {
    await markDeleted(db, which);
    await dropSchedule(db, which.id);
    throw error;
  }
  return demandSchedule(deps, which);
}

/** All of it anew, and whose it is, but whether it is paused. Errors as of `createSchedule`, schedule_not_found; then it stays as it was. */
export async function replaceSchedule(
  deps: Deps,
  by: Principal,
  id: string,
  terms: ScheduleTerms,
): Promise<ScheduleRow> {
  const which = { id, tenant_id: by.tenant_id };
  const before = await demandOwn(deps, by, id);
  await demandStartable(deps, by, terms);
  await update(deps, which, { ...terms, ...makerOf(by) });
  try {
    await tell(deps, id);
  } catch (error) {
    await update(deps, which, before);
    throw error;
  }
  return demandSchedule(deps, which);
}

/** Errors: schedule_not_found, forbidden; whatever Temporal's client throws. */
export async function pauseSchedule(
  deps: Deps,
  by: Principal,
  id: string,
  { paused, note }: { paused: boolean; note: string },
): Promise<ScheduleRow> {
  const { schedules } = deps.executions;
  const row = await demandOwn(deps, by, id);
  const press = (): Promise<boolean> => (paused ? schedules.pause(row.id, note) : schedules.unpause(row.id, note));
  await once(deps, row.id, press);
  return row;
}

/** Runs it now. Errors as of `pauseSchedule`. */
export async function triggerSchedule(deps: Deps, by: Principal, id: string): Promise<ScheduleRow> {
  const row = await demandOwn(deps, by, id);
  await once(deps, row.id, () => deps.executions.schedules.trigger(row.id, row.overlap));
  return row;
}

/** From here on nothing is started by it; its jobs stay. Errors: schedule_not_found, forbidden. */
export async function deleteSchedule(deps: Deps, by: Principal, id: string): Promise<void> {
  await demandOwn(deps, by, id);
  const marked = await markDeleted(deps.database.em.fork(), { id, tenant_id: by.tenant_id });
  if (!marked) throw new AppError("schedule_not_found", { schedule: id });
  await tell(deps, id);
}

/** Error: schedule_not_found, for another tenant's too. */
export async function demandSchedule({ database }: Pick<Deps, "database">, which: Which): Promise<ScheduleRow> {
  const row = await findSchedule(database.em.fork(), which);
  if (!row) throw new AppError("schedule_not_found", { schedule: which.id });
  return row;
}

/** Who may not start a job may not make a schedule start it, or keep it from doing so. Errors: schedule_not_found, forbidden. */
async function demandOwn(deps: Deps, by: Principal, id: string): Promise<ScheduleRow> {
  const row = await demandSchedule(deps, { id, tenant_id: by.tenant_id });
  demandRole(row.job_type, by);
  if (row.job_type === "group") demandMemberRoles(row.payload, by);
  return row;
}

const makerOf = ({ id, role }: Principal): ScheduleMaker => ({ created_by: id, role });

/** What a run would be refused for at this moment is refused at once. */
async function demandStartable({ database }: Deps, by: Principal, terms: ScheduleTerms): Promise<void> {
  const { job_type: type, payload, priority } = terms;
  demandRole(type, by);
  if (type === "group") await checkMembers(database.em.fork(), { payload, by, at: "/payload", priority });
  await subjectOf(database.em.fork(), { type, payload, by });
  // Until the schedule is there; from then on it keeps them itself.
  await demandUploads(database.em.fork(), by.tenant_id, { type, payload, at: "/payload" });
}

async function update({ database }: Deps, which: Which, terms: ScheduleTerms & ScheduleMaker): Promise<void> {
  try {
    const changed = await updateSchedule(database.em.fork(), which, terms);
    if (!changed) throw new AppError("schedule_not_found", { schedule: which.id });
  } catch (error) {
    if (sqlState(error) === UNIQUE) throw new AppError("schedule_exists", { name: terms.name });
    throw error;
  }
}

/** Temporal may not have been told of it yet, because it was away: now it is. */
async function once(deps: Deps, id: string, press: () => Promise<boolean>): Promise<void> {
  if (await press()) return;
  await applySchedule(deps, id);
  if (!(await press())) throw new AppError("schedule_not_found", { schedule: id });
}

/** Error: invalid_request, where Temporal refuses it. Where it cannot be reached, the reconciler tells it later. */
async function tell(deps: Deps, id: string): Promise<void> {
  try {
    await inTime(applySchedule(deps, id), TELL_MS);
  } catch (error) {
    if (error instanceof AppError && error.code === "invalid_request") throw error;
    deps.log.warn(
      { schedule_id: id, reason: reasonOf(error) },
      "Temporal is told of the schedule when it can be reached",
    );
  }
}
