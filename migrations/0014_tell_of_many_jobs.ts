import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before writes what it wrote, and the triggers note what it ends. */
export class TellOfManyJobs extends Migration {
  override up(): void {
    // queued_at: when this generation was opened, null in the first (created_at). size: what there is to do, in the type's own unit
    // (tiles, rows, bytes, overlays), once a step knows it.
    this.addSql(`alter table jobs add queued_at timestamptz null, add size double precision null;`);
    this.addSql(`
      create function jobs_open_generation() returns trigger language plpgsql as $$
      begin
        new.queued_at := now();
        return new;
      end
      $$;
      create trigger jobs_open_generation before update on jobs for each row
        when (new.generation > old.generation) execute function jobs_open_generation();
    `);

    // A list is read as one short range per type and state, so each range must be an index's: whatever the others hold, a page costs a page.
    // The old indexes made a list of the few failed jobs of a large tenant read all that had not failed.
    this.addSql(`
      drop index jobs_type_index;
      create index jobs_tenant_index on jobs (tenant_id, job_type, status, created_at, id);
      drop index jobs_project_index;
      create index jobs_project_index on jobs (project_id, job_type, status, created_at, id);
      create index jobs_environment_index on jobs (tenant_id, environment, status, created_at, id) where environment is not null;
    `);

    // Each generation that ended and is not in the statistics yet: written by the statement that ends it, deleted by the one that counts
    // it. So each is counted once, in whatever order they commit. No reference to jobs: a deleted project's jobs have happened.
    this.addSql(`
      create table job_endings (
        job_id uuid not null,
        generation int not null,
        tenant_id uuid not null references tenants (id),
        job_type text not null,
        status text not null,
        error_code text null,
        queued_at timestamptz not null,
        started_at timestamptz null,
        ended_at timestamptz not null,
        size double precision null,
        steps jsonb not null,
        primary key (job_id, generation)
      );
    `);
    // started_at is the first generation's still in a row that a reset has reopened: such a generation has not waited.
    this.addSql(`
      create function jobs_note_ending() returns trigger language plpgsql as $$
      begin
        insert into job_endings (job_id, generation, tenant_id, job_type, status, error_code, queued_at, started_at, ended_at, size, steps)
        values (new.id, new.generation, new.tenant_id, new.job_type, new.status, new.error_code, coalesce(new.queued_at, new.created_at),
          case when old.status = 'running' then greatest(new.started_at, coalesce(new.queued_at, new.created_at)) end,
          coalesce(new.completed_at, now()), new.size, new.steps)
        on conflict do nothing;
        return null;
      end
      $$;
      create trigger jobs_note_ending after update on jobs for each row
        when (new.status not in ('queued', 'running') and (old.status in ('queued', 'running') or new.generation > old.generation))
        execute function jobs_note_ending();
    `);
    // What has ended before is counted as what it ended as last: of earlier generations only the ledger knows.
    this.addSql(`
      insert into job_endings (job_id, generation, tenant_id, job_type, status, error_code, queued_at, started_at, ended_at, size, steps)
      select id, generation, tenant_id, job_type, status, error_code, created_at, started_at, completed_at, null, steps
      from jobs where status not in ('queued', 'running') and completed_at is not null;
    `);

    // The statistics, by hour and again by day (UTC), times by week too: of 90 days they are 100,000 rows. Times as counts per bucket: bucket b holds what took over 1.1^(b-1) and up to 1.1^b
    // ms, so buckets of any hours can be added up, and a percentile is at most 5 % wrong.
    this.addSql(`
      create table job_counts (
        tenant_id uuid not null references tenants (id),
        grain text not null,
        at timestamptz not null,
        job_type text not null,
        status text not null,
        error_code text not null,
        count int not null,
        primary key (tenant_id, grain, at, job_type, status, error_code),
        constraint job_counts_grain_check check (grain in ('hour', 'day'))
      );
      create table job_times (
        tenant_id uuid not null references tenants (id),
        grain text not null,
        at timestamptz not null,
        job_type text not null,
        status text not null,
        measure text not null,
        bucket smallint not null,
        count int not null,
        primary key (tenant_id, grain, at, job_type, status, measure, bucket),
        constraint job_times_grain_check check (grain in ('hour', 'day', 'week')),
        constraint job_times_measure_check check (measure in ('wait', 'run'))
      );
    `);
    // The last runs of each type that went through, with the seconds of each step: what the time of arrival is reckoned from.
    this.addSql(`
      create table job_samples (
        job_id uuid not null,
        generation int not null,
        tenant_id uuid not null references tenants (id),
        job_type text not null,
        ended_at timestamptz not null,
        size double precision null,
        seconds jsonb not null,
        primary key (job_id, generation)
      );
      create index job_samples_type_index on job_samples (tenant_id, job_type, ended_at);
    `);

    // A request about many jobs has no job of its own: its key is bound to those that it has chosen.
    this.addSql(`alter table idempotency_keys alter job_id drop not null, add chosen jsonb null;`);

    // Who did what, when, from where. An event is written before what it tells of, its outcome after it: an event without one may have
    // happened or not (the process died in between).
    this.addSql(`
      create table audit_events (
        id uuid primary key,
        tenant_id uuid not null references tenants (id),
        at timestamptz not null default clock_timestamp(),
        source text not null,
        principal_id uuid null,
        principal text not null,
        role text null,
        action text not null,
        resource_type text not null,
        resource_id text null,
        project text null,
        job_id uuid null,
        request_id text null,
        remote_address text null,
        user_agent text null,
        details jsonb not null default '{}',
        constraint audit_events_source_check check (source in ('api', 'cli', 'schedule', 'temporal'))
      );
      create index audit_events_list_index on audit_events (tenant_id, at, id);
      create index audit_events_project_index on audit_events (tenant_id, project, at, id) where project is not null;
      create index audit_events_job_index on audit_events (tenant_id, job_id) where job_id is not null;
      create table audit_outcomes (
        event_id uuid primary key references audit_events (id),
        tenant_id uuid not null references tenants (id),
        at timestamptz not null default clock_timestamp(),
        outcome text not null,
        status int null,
        code text null,
        resource_id text null,
        job_id uuid null,
        constraint audit_outcomes_outcome_check check (outcome in ('succeeded', 'refused', 'failed'))
      );
      create index audit_outcomes_job_index on audit_outcomes (tenant_id, job_id) where job_id is not null;
    `);
    // Append-only, also for whoever has the database's password by way of this program. What is older than 90 days may be removed.
    this.addSql(`
      create function audit_is_append_only() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' then
          if old.at < now() - interval '90 days' then return old; end if;
        end if;
        raise exception 'the audit trail is append-only: % of % refused', lower(tg_op), tg_table_name using errcode = 'insufficient_privilege';
      end
      $$;
      create trigger audit_events_append_only before update or delete on audit_events for each row
        execute function audit_is_append_only();
      create trigger audit_events_not_emptied before truncate on audit_events for each statement
        execute function audit_is_append_only();
      create trigger audit_outcomes_append_only before update or delete on audit_outcomes for each row
        execute function audit_is_append_only();
      create trigger audit_outcomes_not_emptied before truncate on audit_outcomes for each statement
        execute function audit_is_append_only();
    `);
    // What operators do in Temporal is known by what the row says of it, and so is noted by the statement that writes that.
    this.addSql(`
      create function jobs_audit_operator() returns trigger language plpgsql as $$
      declare
        event uuid := gen_random_uuid();
        act text;
        who text := 'an operator';
        told jsonb := jsonb_build_object('generation', new.generation);
      begin
        if new.cancel_requested_in is not null and new.cancel_requested_in is distinct from old.cancel_requested_in then
          act := 'job.cancel';
          who := new.cancel_requested_in;
        elsif new.generation > old.generation then
          act := 'job.reset';
        else
          act := 'job.terminate';
          told := told || jsonb_build_object('message', left(new.message, 500));
        end if;
        insert into audit_events (id, tenant_id, source, principal, action, resource_type, resource_id, project, job_id, details)
        values (event, new.tenant_id, 'temporal', who, act, 'job', new.id::text,
          (select slug from projects where id = new.project_id), new.id, told);
        insert into audit_outcomes (event_id, tenant_id, outcome) values (event, new.tenant_id, 'succeeded');
        return null;
      end
      $$;
      create trigger jobs_audit_operator after update on jobs for each row
        when (
          (new.cancel_requested_in is not null and new.cancel_requested_in is distinct from old.cancel_requested_in)
          or (new.generation > old.generation and new.status = 'running')
          or (new.error_code = 'terminated_by_operator' and old.error_code is distinct from new.error_code and new.cancel_terminated_at is null)
        )
        execute function jobs_audit_operator();
    `);
  }

  override down(): void {
    this.addSql(`
      drop trigger jobs_audit_operator on jobs;
      drop function jobs_audit_operator();
      drop table audit_outcomes, audit_events;
      drop function audit_is_append_only();
      delete from idempotency_keys where job_id is null;
      alter table idempotency_keys drop chosen, alter job_id set not null;
      drop table job_samples, job_times, job_counts;
      drop trigger jobs_note_ending on jobs;
      drop function jobs_note_ending();
      drop table job_endings;
      drop index jobs_environment_index;
      drop index jobs_project_index;
      create index jobs_project_index on jobs (project_id, created_at, id);
      drop index jobs_tenant_index;
      create index jobs_type_index on jobs (tenant_id, job_type, created_at, id);
      drop trigger jobs_open_generation on jobs;
      drop function jobs_open_generation();
      alter table jobs drop queued_at, drop size;
    `);
  }
}
