import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before asks for no permit, and keeps no schedule. */
export class ShareFairly extends Migration {
  override up(): void {
    // Who runs and who waits among the jobs of throttled types, one row per job from its first request to its final state. The line of a
    // tenant on a queue is in order of `turn_at`: the moment of the request, and ten minutes more for each step of less urgency, so that
    // the urgent overtake and nobody is overtaken for ever.
    this.addSql(`
      create table job_permits (
        job_id uuid primary key references jobs (id),
        tenant_id uuid not null references tenants (id),
        queue text not null,
        requested_at timestamptz not null default now(),
        turn_at timestamptz not null,
        granted_at timestamptz null,
        woken_at timestamptz null
      );
      create index job_permits_line_index on job_permits (tenant_id, queue, turn_at, job_id);
    `);
    // Whose schedule it is, and what it starts. When, Temporal knows: `revision` is what it is to be told, `applied_revision` what it has
    // been told. Its runs act as who made it as it is, with the role of the key that was used. A run's job may be removed before the record of the run; a row with deleted_at goes once Temporal has forgotten it. `paused` and `note` only for its first telling.
    this.addSql(`
      create table schedules (
        id uuid primary key,
        tenant_id uuid not null references tenants (id),
        name text not null,
        job_type text not null,
        payload jsonb not null,
        title text null,
        priority smallint not null default 3,
        spec jsonb not null,
        overlap text not null,
        catchup_window_seconds int not null,
        paused boolean not null default false,
        note text null,
        revision int not null default 1,
        applied_revision int not null default 0,
        created_by uuid not null references principals (id),
        role text not null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz null,
        constraint schedules_name_unique unique (tenant_id, name)
      );
      create table schedule_runs (
        run_key text primary key,
        schedule_id uuid not null references schedules (id),
        tenant_id uuid not null references tenants (id),
        scheduled_at timestamptz not null,
        job_id uuid null,
        error_code text null,
        error text null,
        created_at timestamptz not null default now()
      );
      create index schedule_runs_schedule_index on schedule_runs (schedule_id, scheduled_at);
      create index schedule_runs_job_index on schedule_runs (job_id);
    `);
  }

  override down(): void {
    this.addSql(`drop table schedule_runs, schedules;`);
    this.addSql(`drop table job_permits;`);
  }
}
