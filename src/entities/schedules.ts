/** What is started by itself, whose it is, and what came of it. When it is started, Temporal knows. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, now, reference } from "./columns.ts";
import { Principal, Tenant } from "./tenants.ts";

export const Schedule = defineEntity({
  name: "Schedule",
  tableName: "schedules",
  uniques: [{ name: "schedules_name_unique", properties: ["tenant_id", "name"] }],
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    name: p.text(),
    job_type: p.text(),
    payload: p.json(),
    title: p.text().nullable(),
    priority: p.smallint().default(3),
    /** `ScheduleSpec` of contract/schedule.ts. */
    spec: p.json(),
    overlap: p.text(),
    catchup_window_seconds: p.integer(),
    /** As it was made; what it is now, Temporal knows. */
    paused: p.boolean().default(false),
    note: p.text().nullable(),
    /** What Temporal is to be told, and what it has been told. */
    revision: p.integer().default(1),
    applied_revision: p.integer().default(0),
    /** Who made it as it is: as them its runs act, with the role that they had. */
    created_by: reference(Principal),
    role: p.text(),
    created_at: now(),
    updated_at: now(),
    /** The row goes once Temporal has forgotten the schedule. */
    deleted_at: moment().nullable(),
  },
});

/** One moment of a schedule: the job that it started, or why it started none. */
export const ScheduleRun = defineEntity({
  name: "ScheduleRun",
  tableName: "schedule_runs",
  indexes: [
    { name: "schedule_runs_schedule_index", properties: ["schedule_id", "scheduled_at"] },
    { name: "schedule_runs_job_index", properties: ["job_id"] },
  ],
  properties: {
    /** Workflow id and first run id in Temporal: two that are run by hand within a second have the same workflow id. */
    run_key: p.text().primary(),
    schedule_id: reference(Schedule),
    tenant_id: reference(Tenant),
    scheduled_at: moment(),
    /** It may have been removed since. */
    job_id: p.uuid().nullable(),
    error_code: p.text().nullable(),
    error: p.text().nullable(),
    created_at: now(),
  },
});
