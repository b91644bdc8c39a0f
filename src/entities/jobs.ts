/** Jobs as everyone reads them, their ledger of events, and what keeps two of them apart. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, now, reference } from "./columns.ts";
import { Project, Version } from "./projects.ts";
import { Principal, Tenant } from "./tenants.ts";

/** docs/job-lifecycle.md tells who writes which column, and what `run_id`, `generation` and `attempt_at` fence. */
export const Job = defineEntity({
  name: "Job",
  tableName: "jobs",
  uniques: [
    { name: "jobs_workflow_id_unique", properties: ["workflow_id"] },
    { name: "jobs_parent_member_unique", properties: ["parent_id", "member_key"] },
  ],
  indexes: [
    { name: "jobs_list_index", properties: ["tenant_id", "created_at", "id"] },
    { name: "jobs_project_index", properties: ["project_id", "job_type", "status", "created_at", "id"] },
    { name: "jobs_tenant_index", properties: ["tenant_id", "job_type", "status", "created_at", "id"] },
    {
      name: "jobs_environment_index",
      properties: ["tenant_id", "environment", "status", "created_at", "id"],
      where: "environment is not null",
    },
    { name: "jobs_open_index", properties: ["id"], where: "status in ('queued', 'running')" },
    { name: "jobs_ended_index", properties: ["completed_at"] },
    {
      name: "jobs_deadline_index",
      properties: ["deadline_at"],
      where: "deadline_at is not null and status in ('queued', 'running')",
    },
    {
      name: "jobs_dead_index",
      properties: ["tenant_id", "completed_at", "id", "job_type", "error_code", "generation", "max_retries"],
      where: "status = 'failed' and discarded_at is null",
    },
    { name: "jobs_changed_index", properties: ["changed_xid"], type: "brin" },
  ],
  triggers: [
    {
      ...{ name: "mark_changed", timing: "before", events: ["update"], forEach: "row" },
      body: "new.changed_xid := pg_current_xact_id()::text::bigint; return new;",
    },
    // Only their names are compared; schema.sql has the whole of them.
    ...(["jobs_open_generation", "jobs_note_ending", "jobs_audit_operator"] as const).map((name) => ({
      ...{ name, timing: name === "jobs_open_generation" ? ("before" as const) : ("after" as const) },
      ...{ events: ["update" as const], expression: "-- migrations/0014_tell_of_many_jobs.ts" },
    })),
  ],
  checks: [
    { name: "jobs_priority_check", expression: "priority >= 1 and priority <= 5" },
    { name: "jobs_progress_check", expression: "progress >= 0 and progress <= 100" },
    {
      name: "jobs_status_check",
      expression: "status in ('queued', 'running', 'completed', 'partially_completed', 'failed', 'cancelled')",
    },
  ],
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    job_type: p.text(),
    status: p.text().default("queued"),
    progress: p.integer().default(0),
    message: p.text().nullable(),
    step: p.text().nullable(),
    steps: p.json().defaultRaw("'[]'"),
    payload: p.json(),
    result: p.json().nullable(),
    error_code: p.text().nullable(),
    error: p.text().nullable(),
    errors: p.json().nullable(),
    project_id: reference(Project).nullable(),
    version_id: reference(Version).nullable(),
    environment: p.text().nullable(),
    created_by: reference(Principal).nullable(),
    created_at: now(),
    updated_at: now(),
    started_at: moment().nullable(),
    completed_at: moment().nullable(),
    /** The last *progress*, not the last heartbeat: a timer beats in a hung loop too. */
    last_activity_at: moment().nullable(),
    workflow_id: p.text(),
    run_id: p.text().nullable(),
    generation: p.integer().default(1),
    /** When the server scheduled the activity attempt that entered last, in ms since the epoch; 0 for none. */
    attempt_at: p.bigint().defaultRaw("0"),
    report: p.integer().default(0),
    /** Number of the activity attempt that entered last, from 1; 0 for none. */
    attempt: p.integer().default(0),
    /** When Temporal starts the next attempt of what has just failed; null while one works. */
    next_attempt_at: moment().nullable(),
    /** `Attention` of contract/attention.ts; null while nothing is odd. */
    attention: p.json().nullable(),
    /** Of the last event in the ledger. */
    seq: p.integer().default(0),
    switched_at: moment().nullable(),
    epoch: p.integer().nullable(),
    release_id: p.text().nullable(),
    cancel_requested_at: moment().nullable(),
    cancel_requested_by: reference(Principal).nullable(),
    cancel_reason: p.text().nullable(),
    /** Who asked, where that was in Temporal and so is no principal. */
    cancel_requested_in: p.text().nullable(),
    cancel_acknowledged_at: moment().nullable(),
    cancel_stopped_at: moment().nullable(),
    cancel_compensated_at: moment().nullable(),
    cancel_deadline_at: moment().nullable(),
    cancel_terminated_at: moment().nullable(),
    title: p.text().nullable(),
    /** Temporal's: 1 first, 5 last. */
    priority: p.smallint().default(3),
    /** The job must have ended by then. */
    deadline_at: moment().nullable(),
    /** Set once the deadline of a running job has passed: it is being stopped, and is terminated if it still runs by then. */
    deadline_stop_at: moment().nullable(),
    /** The row may be removed from then on. */
    expires_at: moment().nullable(),
    /** Null for what the type says. */
    max_retries: p.integer().nullable(),
    parent_id: p.uuid().nullable(),
    /** Unique among the children of a parent; the child's id is derived from both. */
    member_key: p.text().nullable(),
    /** Number of the run in a chain that continued as new, from 0. */
    segment: p.integer().default(0),
    /** A dead letter that was put away: by whom and why. */
    discarded_at: moment().nullable(),
    discarded_by: reference(Principal).nullable(),
    discard_reason: p.text().nullable(),
    /** Of a group: how many members are in which state, as its ledger has told them. */
    members: p.json().nullable(),
    /** When this generation was opened; null in the first, which is as old as the row. */
    queued_at: moment().nullable(),
    /** What there is to do, in the type's own unit, once a step knows it. */
    size: p.double().nullable(),
    /** Log and step events up to here may be gone. */
    compacted_seq: p.integer().default(0),
    /** Number of the transaction that changed the row last, for readers who ask what has changed since (`pg_snapshot_xmin`). */
    changed_xid: p.bigint().defaultRaw("((pg_current_xact_id())::text)::bigint"),
  },
});

export const JobEvent = defineEntity({
  name: "JobEvent",
  tableName: "job_events",
  checks: [{ name: "job_events_kind_check", expression: "kind in ('status', 'step', 'log', 'result')" }],
  properties: {
    job_id: reference(Job).primary(),
    seq: p.integer().primary().autoincrement(false),
    tenant_id: reference(Tenant),
    at: moment().defaultRaw("clock_timestamp()"),
    kind: p.text(),
    data: p.json(),
  },
});

/** What a finished step yielded, for a retry that goes on behind it. */
export const JobStepResult = defineEntity({
  name: "JobStepResult",
  tableName: "job_step_results",
  properties: {
    job_id: reference(Job).primary(),
    step: p.text().primary(),
    tenant_id: reference(Tenant),
    /** The job's generation in which the step ran. */
    generation: p.integer(),
    /** The draft's revision that the step worked on: what it yielded is true of that one only. */
    revision: p.integer(),
    at: now(),
    result: p.json(),
  },
});

export const PublishGuard = defineEntity({
  name: "PublishGuard",
  tableName: "publish_guards",
  uniques: [{ name: "publish_guards_job_unique", properties: ["job_id"] }],
  properties: {
    project_id: reference(Project).primary(),
    environment: p.text().primary(),
    tenant_id: reference(Tenant),
    job_id: reference(Job),
    claimed_at: now(),
  },
});

export const IdempotencyKey = defineEntity({
  name: "IdempotencyKey",
  tableName: "idempotency_keys",
  indexes: [{ name: "idempotency_keys_expiry_index", properties: ["expires_at"] }],
  properties: {
    tenant_id: reference(Tenant).primary(),
    principal_id: reference(Principal).primary(),
    route: p.text().primary(),
    key: p.text().primary(),
    body_hash: p.text(),
    /** Null for a request about many jobs. */
    job_id: reference(Job).nullable(),
    created_at: now(),
    expires_at: moment(),
    /** Of the job, that the request opened. */
    generation: p.integer().default(1),
    /** What a request about many jobs has chosen. */
    chosen: p.json().nullable(),
  },
});

/** Leader of a periodic task: an optimisation only, every write of the reconciler is a compare-and-set. */
export const Lease = defineEntity({
  name: "Lease",
  tableName: "leases",
  properties: {
    name: p.text().primary(),
    holder: p.text(),
    expires_at: moment(),
    /** Up to where its holder has seen what happens in Temporal. */
    watermark: moment().nullable(),
  },
});
