/** Who did what, when, from where: append-only (a trigger refuses the rest). docs/audit.md. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, reference } from "./columns.ts";
import { Tenant } from "./tenants.ts";

/** Only the name is compared; schema.sql has the whole of it, and of the trigger that refuses `truncate`. */
const appendOnly = (table: string) => [
  {
    ...{ name: `${table}_append_only`, timing: "before" as const, events: ["update" as const, "delete" as const] },
    expression: "-- migrations/0014_tell_of_many_jobs.ts",
  },
];

/** Written before what it tells of. */
export const AuditEvent = defineEntity({
  name: "AuditEvent",
  tableName: "audit_events",
  indexes: [
    { name: "audit_events_list_index", properties: ["tenant_id", "at", "id"] },
    {
      ...{ name: "audit_events_project_index", where: "project is not null" },
      properties: ["tenant_id", "project", "at", "id"],
    },
    { name: "audit_events_job_index", properties: ["tenant_id", "job_id"], where: "job_id is not null" },
  ],
  checks: [{ name: "audit_events_source_check", expression: "source in ('api', 'cli', 'schedule', 'temporal')" }],
  triggers: appendOnly("audit_events"),
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    at: moment().defaultRaw("clock_timestamp()"),
    source: p.text(),
    /** Null for who is no principal: an operator in Temporal. No reference: the name beside it is what it was then. */
    principal_id: p.uuid().nullable(),
    principal: p.text(),
    role: p.text().nullable(),
    action: p.text(),
    resource_type: p.text(),
    resource_id: p.text().nullable(),
    /** Slug. */
    project: p.text().nullable(),
    job_id: p.uuid().nullable(),
    request_id: p.text().nullable(),
    remote_address: p.text().nullable(),
    user_agent: p.text().nullable(),
    details: p.json().defaultRaw("'{}'"),
  },
});

/** What became of it; an event without one may have happened or not. */
export const AuditOutcome = defineEntity({
  name: "AuditOutcome",
  tableName: "audit_outcomes",
  indexes: [{ name: "audit_outcomes_job_index", properties: ["tenant_id", "job_id"], where: "job_id is not null" }],
  checks: [{ name: "audit_outcomes_outcome_check", expression: "outcome in ('succeeded', 'refused', 'failed')" }],
  triggers: appendOnly("audit_outcomes"),
  properties: {
    event_id: reference(AuditEvent).primary(),
    tenant_id: reference(Tenant),
    at: moment().defaultRaw("clock_timestamp()"),
    outcome: p.text(),
    /** HTTP. */
    status: p.integer().nullable(),
    /** Failure code. */
    code: p.text().nullable(),
    /** What it made. */
    resource_id: p.text().nullable(),
    job_id: p.uuid().nullable(),
  },
});
