/** What people do with schedules: make, change, pause, run now, delete. The row first, then Temporal. */
import { v7 as uuidv7 } from "uuid";
import { AppError, reasonOf } from "../../errors.ts";
import { inTime } from "../../in-time.ts";
import { sqlState } from "../../outage.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { demandRole } from "../request-job.ts";
import { subjectOf } from "../job-subject.ts";
import { applySchedule } from "./apply-schedule.ts";
import {
  dropSchedule,
  findSchedule,
  insertSchedule,
  markDeleted,
  updateSchedule,
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

/** Errors: forbidden, schedule_exists, those of `subjectOf`, invalid_request where Temporal refuses the times; then there is none. */
export async function createSchedule(
  deps: Deps,
  by: Principal,
  terms: ScheduleTerms & { paused: boolean; note: string | null },
): Promise<ScheduleRow> {
  await demandStartable(deps, by, terms);
  const which = { id: uuidv7(), tenant_id: by.tenant_id };
  const db = deps.database.em.fork();
  if (!(await insertSchedule(db, { ...terms, ...which, created_by: by.id })))
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

/** All of it anew, but whether it is paused. Errors as of `createSchedule`, schedule_not_found; then it stays as it was. */
export async function replaceSchedule(
  deps: Deps,
  by: Principal,
  id: string,
  terms: ScheduleTerms,
): Promise<ScheduleRow> {
  const which = { id, tenant_id: by.tenant_id };
  const before = await demandSchedule(deps, which);
  await demandStartable(deps, by, terms);
  await update(deps, which, terms);
  try {
    await tell(deps, id);
  } catch (error) {
    await update(deps, which, before);
    throw error;
  }
  return demandSchedule(deps, which);
}

/** Errors: schedule_not_found; whatever Temporal's client throws. */
export async function pauseSchedule(
  deps: Deps,
  which: Which,
  { paused, note }: { paused: boolean; note: string },
): Promise<ScheduleRow> {
  const { schedules } = deps.executions;
  const row = await demandSchedule(deps, which);
  const press = (): Promise<boolean> => (paused ? schedules.pause(row.id, note) : schedules.unpause(row.id, note));
  await once(deps, row.id, press);
  return row;
}

/** Runs it now. Errors as of `pauseSchedule`. */
export async function triggerSchedule(deps: Deps, which: Which): Promise<ScheduleRow> {
  const row = await demandSchedule(deps, which);
  await once(deps, row.id, () => deps.executions.schedules.trigger(row.id, row.overlap));
  return row;
}

/** From here on nothing is started by it; its jobs stay. Error: schedule_not_found. */
export async function deleteSchedule(deps: Deps, which: Which): Promise<void> {
  if (!(await markDeleted(deps.database.em.fork(), which)))
    throw new AppError("schedule_not_found", { schedule: which.id });
  await tell(deps, which.id);
}

/** Error: schedule_not_found, for another tenant's too. */
export async function demandSchedule({ database }: Pick<Deps, "database">, which: Which): Promise<ScheduleRow> {
  const row = await findSchedule(database.em.fork(), which);
  if (!row) throw new AppError("schedule_not_found", { schedule: which.id });
  return row;
}

/** What a run would be refused for at this moment is refused at once. */
async function demandStartable({ database }: Deps, by: Principal, terms: ScheduleTerms): Promise<void> {
  demandRole(terms.job_type, by);
  await subjectOf(database.em.fork(), { type: terms.job_type, payload: terms.payload, by });
}

async function update({ database }: Deps, which: Which, terms: ScheduleTerms): Promise<void> {
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
