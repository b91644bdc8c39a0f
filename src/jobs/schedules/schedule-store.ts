/** The rows of schedules and of their runs. */
import type { JobStatus } from "../../../contract/job-state.ts";
import type { JobType } from "../../../contract/job-types.ts";
import type { Overlap, ScheduleSpec } from "../../../contract/schedule.ts";
import { query, queryOne, type Db } from "../../db.ts";
import type { Role } from "../../tenants/principal.ts";

/** What a request says. */
export interface ScheduleTerms {
  name: string;
  job_type: JobType;
  payload: Record<string, unknown>;
  title: string | null;
  priority: number;
  spec: ScheduleSpec;
  overlap: Overlap;
  catchup_window_seconds: number;
}

/** For whom its runs act: who made it as it is. */
export interface ScheduleMaker {
  /** Principal. */
  created_by: string;
  /** Of the key that it was made with: a run may do no more. */
  role: Role;
}

export interface ScheduleRow extends ScheduleTerms, ScheduleMaker {
  id: string;
  tenant_id: string;
  /** Slug. */
  tenant: string;
  paused: boolean;
  note: string | null;
  revision: number;
  applied_revision: number;
  /** Of `created_by`. */
  created_by_name: string;
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
}

const COLUMNS = `
  s.id, s.tenant_id, t.slug as tenant, s.name, s.job_type, s.payload, s.title, s.priority, s.spec, s.overlap,
  s.catchup_window_seconds, s.paused, s.note, s.revision, s.applied_revision, s.created_by, s.role, p.name as created_by_name, s.created_at,
  s.updated_at, s.deleted_at`;
const FROM = `schedules s join tenants t on t.id = s.tenant_id join principals p on p.id = s.created_by`;

/** False where the tenant has one of that name, or one that is being deleted. */
export async function insertSchedule(
  db: Db,
  schedule: ScheduleTerms & ScheduleMaker & { id: string; tenant_id: string; paused: boolean; note: string | null },
): Promise<boolean> {
  const made = await query(
    db,
    `
    insert into schedules (id, tenant_id, name, job_type, payload, title, priority, spec, overlap, catchup_window_seconds, paused, note,
      created_by, role)
    values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8::jsonb, $9, $10, $11, $12, $13, $14)
    on conflict (tenant_id, name) do nothing
    returning 1
    `,
    [
      ...[schedule.id, schedule.tenant_id, schedule.name, schedule.job_type, JSON.stringify(schedule.payload)],
      ...[schedule.title, schedule.priority, JSON.stringify(schedule.spec), schedule.overlap],
      ...[schedule.catchup_window_seconds, schedule.paused, schedule.note, schedule.created_by],
      schedule.role,
    ],
  );
  return made.length > 0;
}

/** The next revision; false where there is no such schedule. Error: the name is another's (unique violation). */
export async function updateSchedule(
  db: Db,
  which: { id: string; tenant_id: string },
  terms: ScheduleTerms & ScheduleMaker,
): Promise<boolean> {
  const changed = await query(
    db,
    `
    update schedules set name = $3, job_type = $4, payload = $5::jsonb, title = $6, priority = $7, spec = $8::jsonb, overlap = $9,
      catchup_window_seconds = $10, created_by = $11, role = $12, revision = revision + 1, updated_at = now()
    where id = $1 and tenant_id = $2 and deleted_at is null
    returning 1
    `,
    [
      ...[which.id, which.tenant_id, terms.name, terms.job_type, JSON.stringify(terms.payload), terms.title],
      ...[terms.priority, JSON.stringify(terms.spec), terms.overlap, terms.catchup_window_seconds],
      ...[terms.created_by, terms.role],
    ],
  );
  return changed.length > 0;
}

/** Null for another tenant's, and for one that is being deleted. */
export async function findSchedule(db: Db, which: { id: string; tenant_id: string }): Promise<ScheduleRow | null> {
  return queryOne<ScheduleRow>(
    db,
    `select ${COLUMNS} from ${FROM} where s.id = $1 and s.tenant_id = $2 and s.deleted_at is null`,
    [which.id, which.tenant_id],
  );
}

/** Whosever it is, deleted or not. */
export async function readSchedule(db: Db, id: string): Promise<ScheduleRow | null> {
  return queryOne<ScheduleRow>(db, `select ${COLUMNS} from ${FROM} where s.id = $1`, [id]);
}

/** By name, after `after`. */
export async function listSchedules(
  db: Db,
  options: { tenant_id: string; after: string; limit: number },
): Promise<ScheduleRow[]> {
  return query<ScheduleRow>(
    db,
    `
    select ${COLUMNS} from ${FROM}
    where s.tenant_id = $1 and s.name > $2 and s.deleted_at is null
    order by s.name limit $3
    `,
    [options.tenant_id, options.after, options.limit],
  );
}

/** Marks it; false where there is none. */
export async function markDeleted(db: Db, which: { id: string; tenant_id: string }): Promise<boolean> {
  const marked = await query(
    db,
    `update schedules set deleted_at = now() where id = $1 and tenant_id = $2 and deleted_at is null returning 1`,
    [which.id, which.tenant_id],
  );
  return marked.length > 0;
}

/** The row and the record of its runs; the jobs stay. */
export async function dropSchedule(db: Db, id: string): Promise<void> {
  await query(db, `delete from schedule_runs where schedule_id = $1`, [id]);
  await query(db, `delete from schedules where id = $1 and deleted_at is not null`, [id]);
}

/** Temporal has been told of that revision; an older one changes nothing. */
export async function noteApplied(db: Db, id: string, revision: number): Promise<void> {
  const sql = `update schedules set applied_revision = $2 where id = $1 and applied_revision < $2`;
  await query(db, sql, [id, revision]);
}

/** It has come out that Temporal has an older one: it is told again. */
export async function noteStale(db: Db, id: string): Promise<void> {
  await query(db, `update schedules set applied_revision = 0 where id = $1`, [id]);
}

/** Those that Temporal does not know as they are, for `seconds` at least: whoever changed them has had that long to tell it. */
export async function untoldSchedules(db: Db, options: { seconds: number; limit: number }): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    `
    select id from schedules
    where (applied_revision < revision or deleted_at is not null)
      and coalesce(deleted_at, updated_at) < now() - make_interval(secs => $1)
    order by updated_at limit $2
    `,
    [options.seconds, options.limit],
  );
  return rows.map(({ id }) => id);
}

/** One moment of a schedule. */
export interface ScheduleRunRow {
  run_key: string;
  scheduled_at: string;
  job_id: string | null;
  /** Of the job; null where none was started. */
  status: string | null;
  error_code: string | null;
  error: string | null;
}

/** Newest first. */
export async function recentRuns(db: Db, scheduleId: string, limit: number): Promise<ScheduleRunRow[]> {
  return query<ScheduleRunRow>(
    db,
    `
    select r.run_key, r.scheduled_at, r.job_id, j.status, r.error_code, r.error
    from schedule_runs r left join jobs j on j.id = r.job_id
    where r.schedule_id = $1 order by r.scheduled_at desc, r.run_key desc limit $2
    `,
    [scheduleId, limit],
  );
}

/** The job of a run, if it has started one. */
export async function jobOfRun(db: Db, runKey: string): Promise<string | null> {
  const sql = `select job_id from schedule_runs where run_key = $1`;
  return (await queryOne<{ job_id: string | null }>(db, sql, [runKey]))?.job_id ?? null;
}

/** What came of a run. One that has a job keeps it. A schedule that is gone has no runs. */
export async function noteRun(
  db: Db,
  run: {
    run_key: string;
    schedule_id: string;
    scheduled_at: string;
    job_id: string | null;
    error_code?: string;
    error?: string;
  },
): Promise<void> {
  await query(
    db,
    `
    insert into schedule_runs (run_key, schedule_id, tenant_id, scheduled_at, job_id, error_code, error)
    select $1, id, tenant_id, $3, $4, $5, $6 from schedules where id = $2
    on conflict (run_key) do update set job_id = excluded.job_id, error_code = excluded.error_code, error = excluded.error
      where schedule_runs.job_id is null
    `,
    [run.run_key, run.schedule_id, run.scheduled_at, run.job_id, run.error_code ?? null, run.error ?? null],
  );
}

/** Jobs of the schedule's other runs that have not ended. */
export async function openJobsOf(db: Db, scheduleId: string, except: string): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    `
    select j.id from schedule_runs r join jobs j on j.id = r.job_id
    where r.schedule_id = $1 and r.run_key <> $2 and j.status in ('queued', 'running')
    `,
    [scheduleId, except],
  );
  return rows.map(({ id }) => id);
}

/** How a job has ended, or that it has not; null when its row is gone. */
export async function readEnding(
  db: Db,
  jobId: string,
): Promise<{ status: JobStatus; code: string | null; message: string | null } | null> {
  return queryOne(db, `select status, error_code as code, message from jobs where id = $1`, [jobId]);
}
