/**
 * The audit trail: what was asked for, by whom, from where, and what became of it. Rows are only ever added; triggers refuse the rest.
 *
 * Neither insert waits for the disk. The log is written in order: once what an event tells of is on the disk, so is the event, which was
 * committed before it. What a crash of PostgreSQL loses of the rest told of nothing that has happened, or is an outcome: then it is unknown.
 */
import { query, type Db } from "../db.ts";

export type AuditSource = "api" | "cli" | "schedule" | "temporal";
export type AuditOutcome = "succeeded" | "refused" | "failed";

export interface NewAuditEvent {
  /** UUIDv7. */
  id: string;
  tenant_id: string;
  source: AuditSource;
  principal_id: string | null;
  /** Name, as it is now. */
  principal: string;
  role: string | null;
  /** `job.cancel` */
  action: string;
  resource_type: string;
  resource_id: string | null;
  /** Slug. */
  project: string | null;
  job_id: string | null;
  request_id: string | null;
  remote_address: string | null;
  user_agent: string | null;
  /** A few short values; never a secret. */
  details: Record<string, unknown>;
}

export interface NewAuditOutcome {
  event_id: string;
  tenant_id: string;
  outcome: AuditOutcome;
  /** HTTP. */
  status: number | null;
  /** Failure code. */
  code: string | null;
  /** What it made. */
  resource_id: string | null;
  job_id: string | null;
}

/** Before what it tells of, or in the same transaction. */
export async function insertAuditEvent(db: Db, event: NewAuditEvent): Promise<void> {
  await query(
    db,
    `
    insert into audit_events (id, tenant_id, source, principal_id, principal, role, action, resource_type, resource_id, project, job_id,
      request_id, remote_address, user_agent, details)
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb from ${NO_WAIT}
    `,
    [
      ...[event.id, event.tenant_id, event.source, event.principal_id, event.principal, event.role, event.action],
      ...[event.resource_type, event.resource_id, event.project, event.job_id, event.request_id, event.remote_address],
      ...[event.user_agent, JSON.stringify(event.details)],
    ],
  );
}

export async function insertAuditOutcome(db: Db, outcome: NewAuditOutcome): Promise<void> {
  const { event_id, tenant_id, status, code, resource_id, job_id } = outcome;
  await query(
    db,
    `
    insert into audit_outcomes (event_id, tenant_id, outcome, status, code, resource_id, job_id)
    select $1, $2, $3, $4, $5, $6, $7 from ${NO_WAIT}
    `,
    [event_id, tenant_id, outcome.outcome, status, code, resource_id, job_id],
  );
}

/** For the commit of a transaction of this one statement; inside a larger one, which waits for the disk, `true` would end that. */
const NO_WAIT = `(select case when pg_current_xact_id_if_assigned() is null then set_config('synchronous_commit', 'off', true) end) as s`;

export interface AuditRow extends Omit<NewAuditEvent, "tenant_id"> {
  /** As the driver returns it, so that a cursor keeps its microseconds. */
  at: string;
  /** Null: unknown; it is under way, or the process died in between. */
  outcome: AuditOutcome | null;
  status: number | null;
  code: string | null;
}

export interface AuditFilter {
  tenant_id: string;
  /** UUID. */
  job_id?: string;
  project?: string;
  /** Name. */
  principal?: string;
  /** All of it, or up to a dot: `job.cancel`, `job`. */
  action?: string;
  source?: AuditSource;
  outcome?: AuditOutcome | "unknown";
  /** ISO 8601, included. */
  since?: string;
  /** ISO 8601, left out. */
  until?: string;
  /** Only what is older than this one. */
  before?: { at: string; id: string };
  limit: number;
}

/** Newest first. */
export async function listAudit(db: Db, filter: AuditFilter): Promise<AuditRow[]> {
  const params: unknown[] = [filter.tenant_id];
  const place = (value: unknown): string => `$${params.push(value)}`;
  const { job_id, project, principal, action, source, outcome, since, until, before } = filter;
  const conditions = ["e.tenant_id = $1"];
  if (job_id !== undefined) {
    const job = place(job_id);
    conditions.push(`e.id = any(array(
      select id from audit_events where tenant_id = $1 and job_id = ${job}
      union all select event_id from audit_outcomes where tenant_id = $1 and job_id = ${job}))`);
  }
  if (project !== undefined) conditions.push(`e.project = ${place(project)}`);
  if (principal !== undefined) conditions.push(`e.principal = ${place(principal)}`);
  if (action !== undefined) {
    const wanted = place(action);
    conditions.push(`(e.action = ${wanted} or starts_with(e.action, ${wanted} || '.'))`);
  }
  if (source !== undefined) conditions.push(`e.source = ${place(source)}`);
  if (outcome !== undefined)
    conditions.push(outcome === "unknown" ? "o.event_id is null" : `o.outcome = ${place(outcome)}`);
  if (since !== undefined) conditions.push(`e.at >= ${place(since)}::timestamptz`);
  if (until !== undefined) conditions.push(`e.at < ${place(until)}::timestamptz`);
  if (before) conditions.push(`(e.at, e.id) < (${place(before.at)}::timestamptz, ${place(before.id)}::uuid)`);
  return query<AuditRow>(
    db,
    `
    select e.id, e.at, e.source, e.principal_id, e.principal, e.role, e.action, e.resource_type,
      coalesce(e.resource_id, o.resource_id) as resource_id, e.project, coalesce(e.job_id, o.job_id) as job_id, e.request_id,
      e.remote_address, e.user_agent, e.details, o.outcome, o.status, o.code
    from audit_events e left join audit_outcomes o on o.event_id = e.id
    where ${conditions.join(" and ")}
    order by e.at desc, e.id desc
    limit ${place(filter.limit)}
    `,
    params,
  );
}
