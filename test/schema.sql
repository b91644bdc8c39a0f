create table api_keys (
  id uuid not null,
  tenant_id uuid not null,
  principal_id uuid not null,
  role text not null,
  key_hash text not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_hash_unique UNIQUE (key_hash),
  constraint api_keys_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text]))),
  constraint api_keys_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principals(id),
  constraint api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table artifacts (
  id uuid not null,
  tenant_id uuid not null,
  kind text not null,
  job_id uuid,
  project_id uuid,
  name text not null,
  media_type text not null,
  size bigint not null,
  sha256 text not null,
  created_by uuid,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  constraint artifacts_pkey PRIMARY KEY (id),
  constraint artifacts_kind_check CHECK ((kind = ANY (ARRAY['upload'::text, 'result'::text, 'errors'::text]))),
  constraint artifacts_created_by_fkey FOREIGN KEY (created_by) REFERENCES principals(id),
  constraint artifacts_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  constraint artifacts_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint artifacts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX artifacts_expiry_index ON public.artifacts USING btree (expires_at);
CREATE INDEX artifacts_job_index ON public.artifacts USING btree (job_id);
CREATE INDEX artifacts_tenant_index ON public.artifacts USING btree (tenant_id, created_at, id);

create table audit_events (
  id uuid not null,
  tenant_id uuid not null,
  at timestamp with time zone not null default clock_timestamp(),
  source text not null,
  principal_id uuid,
  principal text not null,
  role text,
  action text not null,
  resource_type text not null,
  resource_id text,
  project text,
  job_id uuid,
  request_id text,
  remote_address text,
  user_agent text,
  details jsonb not null default '{}'::jsonb,
  constraint audit_events_pkey PRIMARY KEY (id),
  constraint audit_events_source_check CHECK ((source = ANY (ARRAY['api'::text, 'cli'::text, 'schedule'::text, 'temporal'::text]))),
  constraint audit_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX audit_events_job_index ON public.audit_events USING btree (tenant_id, job_id) WHERE (job_id IS NOT NULL);
CREATE INDEX audit_events_list_index ON public.audit_events USING btree (tenant_id, at, id);
CREATE INDEX audit_events_project_index ON public.audit_events USING btree (tenant_id, project, at, id) WHERE (project IS NOT NULL);

create table audit_outcomes (
  event_id uuid not null,
  tenant_id uuid not null,
  at timestamp with time zone not null default clock_timestamp(),
  outcome text not null,
  status integer,
  code text,
  resource_id text,
  job_id uuid,
  constraint audit_outcomes_pkey PRIMARY KEY (event_id),
  constraint audit_outcomes_outcome_check CHECK ((outcome = ANY (ARRAY['succeeded'::text, 'refused'::text, 'failed'::text]))),
  constraint audit_outcomes_event_id_fkey FOREIGN KEY (event_id) REFERENCES audit_events(id),
  constraint audit_outcomes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX audit_outcomes_job_index ON public.audit_outcomes USING btree (tenant_id, job_id) WHERE (job_id IS NOT NULL);

create table configs (
  version_id uuid not null,
  tenant_id uuid not null,
  body jsonb not null,
  updated_at timestamp with time zone not null default now(),
  constraint configs_pkey PRIMARY KEY (version_id),
  constraint configs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint configs_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
);

create table environment_releases (
  project_id uuid not null,
  environment text not null,
  epoch integer not null,
  tenant_id uuid not null,
  release_id text not null,
  job_id uuid not null,
  nonce text not null,
  switched_at timestamp with time zone not null default now(),
  constraint environment_releases_pkey PRIMARY KEY (project_id, environment, epoch),
  constraint environment_releases_job_unique UNIQUE (job_id),
  constraint environment_releases_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  constraint environment_releases_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint environment_releases_release_id_fkey FOREIGN KEY (release_id) REFERENCES releases(id),
  constraint environment_releases_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table environments (
  project_id uuid not null,
  environment text not null,
  tenant_id uuid not null,
  epoch integer not null,
  constraint environments_pkey PRIMARY KEY (project_id, environment),
  constraint environments_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint environments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table group_members (
  group_id uuid not null,
  "position" integer not null,
  key text not null,
  tenant_id uuid not null,
  job_id uuid not null,
  job_type text not null,
  payload jsonb not null,
  title text,
  priority smallint not null default 3,
  weight double precision not null default 1,
  depends_on text[] not null default '{}'::text[],
  again boolean not null default false,
  refused jsonb,
  told text,
  force boolean not null default false,
  constraint group_members_pkey PRIMARY KEY (group_id, "position"),
  constraint group_members_group_id_fkey FOREIGN KEY (group_id) REFERENCES jobs(id),
  constraint group_members_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE UNIQUE INDEX group_members_key_unique ON public.group_members USING btree (group_id, key);

create table idempotency_keys (
  tenant_id uuid not null,
  principal_id uuid not null,
  route text not null,
  key text not null,
  body_hash text not null,
  job_id uuid,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  generation integer not null default 1,
  chosen jsonb,
  constraint idempotency_keys_pkey PRIMARY KEY (tenant_id, principal_id, route, key),
  constraint idempotency_keys_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  constraint idempotency_keys_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principals(id),
  constraint idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX idempotency_keys_expiry_index ON public.idempotency_keys USING btree (expires_at);

create table import_rows (
  stage uuid not null,
  number integer not null,
  job_id uuid not null,
  tenant_id uuid not null,
  line integer not null,
  ref text,
  label jsonb,
  properties jsonb,
  patch jsonb,
  problems jsonb,
  verdict jsonb,
  constraint import_rows_pkey PRIMARY KEY (stage, number)
);
CREATE INDEX import_rows_rejected_index ON public.import_rows USING btree (stage, number) WHERE ((problems IS NOT NULL) OR (verdict IS NOT NULL));

create table job_counts (
  tenant_id uuid not null,
  grain text not null,
  at timestamp with time zone not null,
  job_type text not null,
  status text not null,
  error_code text not null,
  count integer not null,
  constraint job_counts_pkey PRIMARY KEY (tenant_id, grain, at, job_type, status, error_code),
  constraint job_counts_grain_check CHECK ((grain = ANY (ARRAY['hour'::text, 'day'::text]))),
  constraint job_counts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table job_endings (
  job_id uuid not null,
  generation integer not null,
  tenant_id uuid not null,
  job_type text not null,
  status text not null,
  error_code text,
  queued_at timestamp with time zone not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone not null,
  size double precision,
  steps jsonb not null,
  constraint job_endings_pkey PRIMARY KEY (job_id, generation),
  constraint job_endings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table job_events (
  job_id uuid not null,
  seq integer not null,
  tenant_id uuid not null,
  at timestamp with time zone not null default clock_timestamp(),
  kind text not null,
  data jsonb not null,
  constraint job_events_pkey PRIMARY KEY (job_id, seq),
  constraint job_events_kind_check CHECK ((kind = ANY (ARRAY['status'::text, 'step'::text, 'log'::text, 'result'::text]))),
  constraint job_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  constraint job_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table job_permits (
  job_id uuid not null,
  tenant_id uuid not null,
  queue text not null,
  requested_at timestamp with time zone not null default now(),
  turn_at timestamp with time zone not null,
  granted_at timestamp with time zone,
  woken_at timestamp with time zone,
  constraint job_permits_pkey PRIMARY KEY (job_id),
  constraint job_permits_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  constraint job_permits_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX job_permits_line_index ON public.job_permits USING btree (tenant_id, queue, turn_at, job_id);

create table job_samples (
  job_id uuid not null,
  generation integer not null,
  tenant_id uuid not null,
  job_type text not null,
  ended_at timestamp with time zone not null,
  size double precision,
  seconds jsonb not null,
  constraint job_samples_pkey PRIMARY KEY (job_id, generation),
  constraint job_samples_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX job_samples_type_index ON public.job_samples USING btree (tenant_id, job_type, ended_at);

create table job_step_results (
  job_id uuid not null,
  step text not null,
  tenant_id uuid not null,
  generation integer not null,
  revision integer not null,
  at timestamp with time zone not null default now(),
  result jsonb not null,
  constraint job_step_results_pkey PRIMARY KEY (job_id, step),
  constraint job_step_results_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  constraint job_step_results_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table job_times (
  tenant_id uuid not null,
  grain text not null,
  at timestamp with time zone not null,
  job_type text not null,
  status text not null,
  measure text not null,
  counts jsonb not null,
  constraint job_times_pkey PRIMARY KEY (tenant_id, grain, at, job_type, status, measure),
  constraint job_times_grain_check CHECK ((grain = ANY (ARRAY['hour'::text, 'day'::text, 'week'::text]))),
  constraint job_times_measure_check CHECK ((measure = ANY (ARRAY['wait'::text, 'run'::text]))),
  constraint job_times_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table jobs (
  id uuid not null,
  tenant_id uuid not null,
  job_type text not null,
  status text not null default 'queued'::text,
  progress integer not null default 0,
  message text,
  step text,
  steps jsonb not null default '[]'::jsonb,
  payload jsonb not null,
  result jsonb,
  error_code text,
  error text,
  errors jsonb,
  project_id uuid,
  version_id uuid,
  environment text,
  created_by uuid,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  last_activity_at timestamp with time zone,
  workflow_id text not null,
  run_id text,
  generation integer not null default 1,
  attempt_at bigint not null default 0,
  report integer not null default 0,
  seq integer not null default 0,
  switched_at timestamp with time zone,
  epoch integer,
  release_id text,
  cancel_requested_at timestamp with time zone,
  cancel_requested_by uuid,
  cancel_reason text,
  changed_xid bigint not null default ((pg_current_xact_id())::text)::bigint,
  attempt integer not null default 0,
  next_attempt_at timestamp with time zone,
  attention jsonb,
  cancel_requested_in text,
  cancel_acknowledged_at timestamp with time zone,
  cancel_stopped_at timestamp with time zone,
  cancel_compensated_at timestamp with time zone,
  cancel_deadline_at timestamp with time zone,
  cancel_terminated_at timestamp with time zone,
  title text,
  priority smallint not null default 3,
  deadline_at timestamp with time zone,
  expires_at timestamp with time zone,
  max_retries integer,
  parent_id uuid,
  member_key text,
  segment integer not null default 0,
  deadline_stop_at timestamp with time zone,
  discarded_at timestamp with time zone,
  discarded_by uuid,
  discard_reason text,
  members jsonb,
  compacted_seq integer not null default 0,
  queued_at timestamp with time zone,
  size double precision,
  constraint jobs_pkey PRIMARY KEY (id),
  constraint jobs_workflow_id_unique UNIQUE (workflow_id),
  constraint jobs_priority_check CHECK (((priority >= 1) AND (priority <= 5))),
  constraint jobs_progress_check CHECK (((progress >= 0) AND (progress <= 100))),
  constraint jobs_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'completed'::text, 'partially_completed'::text, 'failed'::text, 'cancelled'::text]))),
  constraint jobs_cancel_requested_by_fkey FOREIGN KEY (cancel_requested_by) REFERENCES principals(id),
  constraint jobs_created_by_fkey FOREIGN KEY (created_by) REFERENCES principals(id),
  constraint jobs_discarded_by_fkey FOREIGN KEY (discarded_by) REFERENCES principals(id),
  constraint jobs_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint jobs_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
) with (fillfactor=50);
CREATE INDEX jobs_changed_index ON public.jobs USING brin (changed_xid);
CREATE INDEX jobs_dead_index ON public.jobs USING btree (tenant_id, completed_at, id, job_type, error_code, generation, max_retries) WHERE ((status = 'failed'::text) AND (discarded_at IS NULL));
CREATE INDEX jobs_deadline_index ON public.jobs USING btree (deadline_at) WHERE ((deadline_at IS NOT NULL) AND (status = ANY (ARRAY['queued'::text, 'running'::text])));
CREATE INDEX jobs_ended_index ON public.jobs USING btree (completed_at);
CREATE INDEX jobs_environment_index ON public.jobs USING btree (tenant_id, environment, status, created_at, id) WHERE (environment IS NOT NULL);
CREATE INDEX jobs_list_index ON public.jobs USING btree (tenant_id, created_at, id);
CREATE INDEX jobs_open_index ON public.jobs USING btree (id) WHERE (status = ANY (ARRAY['queued'::text, 'running'::text]));
CREATE INDEX jobs_project_index ON public.jobs USING btree (project_id, job_type, status, created_at, id);
CREATE INDEX jobs_tenant_index ON public.jobs USING btree (tenant_id, job_type, status, created_at, id);
CREATE UNIQUE INDEX jobs_parent_member_unique ON public.jobs USING btree (parent_id, member_key);

create table layers (
  id uuid not null,
  tenant_id uuid not null,
  version_id uuid not null,
  ref text not null,
  label jsonb not null,
  style jsonb,
  visible boolean not null default true,
  sort_order integer not null,
  constraint layers_pkey PRIMARY KEY (id),
  constraint layers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint layers_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
);
CREATE INDEX layers_version_index ON public.layers USING btree (version_id, sort_order);

create table leases (
  name text not null,
  holder text not null,
  expires_at timestamp with time zone not null,
  watermark timestamp with time zone,
  constraint leases_pkey PRIMARY KEY (name)
);

create table object_claims (
  project_id uuid not null,
  prefix text not null,
  job_id uuid not null,
  tenant_id uuid not null,
  claimed_at timestamp with time zone not null default now(),
  constraint object_claims_pkey PRIMARY KEY (project_id, prefix, job_id),
  constraint object_claims_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  constraint object_claims_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint object_claims_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table orphan_objects (
  store text not null,
  prefix text not null,
  tenant_id uuid,
  orphan_since timestamp with time zone not null default now(),
  holder text,
  beat_at timestamp with time zone,
  constraint orphan_objects_pkey PRIMARY KEY (store, prefix),
  constraint orphan_objects_store_check CHECK ((store = ANY (ARRAY['private'::text, 'public'::text]))),
  constraint orphan_objects_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table overlays (
  version_id uuid not null,
  sort_order integer not null,
  tenant_id uuid not null,
  ref text not null,
  type text not null,
  layer text,
  label jsonb not null,
  geometry jsonb not null,
  properties jsonb not null,
  style jsonb,
  visible boolean not null default true,
  release_text text,
  formatted smallint not null default 0,
  geometry_problem text,
  checked smallint not null default 0,
  constraint overlays_pkey PRIMARY KEY (version_id, sort_order),
  constraint overlays_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint overlays_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
);
CREATE INDEX overlays_ref_index ON public.overlays USING btree (version_id, ref);

create table principals (
  id uuid not null,
  tenant_id uuid not null,
  name text not null,
  kind text not null default 'person'::text,
  created_at timestamp with time zone not null default now(),
  constraint principals_pkey PRIMARY KEY (id),
  constraint principals_name_unique UNIQUE (tenant_id, name),
  constraint principals_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'service'::text]))),
  constraint principals_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table projects (
  id uuid not null,
  tenant_id uuid not null,
  slug text not null,
  name text not null,
  created_by uuid,
  created_at timestamp with time zone not null default now(),
  constraint projects_pkey PRIMARY KEY (id),
  constraint projects_slug_unique UNIQUE (slug),
  constraint projects_created_by_fkey FOREIGN KEY (created_by) REFERENCES principals(id),
  constraint projects_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX projects_tenant_index ON public.projects USING btree (tenant_id, slug);

create table publish_guards (
  project_id uuid not null,
  environment text not null,
  tenant_id uuid not null,
  job_id uuid not null,
  claimed_at timestamp with time zone not null default now(),
  constraint publish_guards_pkey PRIMARY KEY (project_id, environment),
  constraint publish_guards_job_unique UNIQUE (job_id),
  constraint publish_guards_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  constraint publish_guards_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint publish_guards_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table release_reservations (
  version_id uuid not null,
  revision integer not null,
  tenant_id uuid not null,
  release_id text not null,
  published_at timestamp with time zone not null,
  digest text,
  constraint release_reservations_pkey PRIMARY KEY (version_id, revision),
  constraint release_reservations_release_unique UNIQUE (release_id),
  constraint release_reservations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint release_reservations_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
);

create table releases (
  id text not null,
  tenant_id uuid not null,
  project_id uuid not null,
  version_id uuid not null,
  revision integer not null,
  digest text not null,
  tile_set_digest text not null,
  bytes integer not null,
  overlay_count integer not null,
  tile_count integer not null,
  published_at timestamp with time zone not null,
  created_by uuid,
  created_at timestamp with time zone not null default now(),
  constraint releases_pkey PRIMARY KEY (id),
  constraint releases_version_unique UNIQUE (version_id),
  constraint releases_created_by_fkey FOREIGN KEY (created_by) REFERENCES principals(id),
  constraint releases_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint releases_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint releases_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
);
CREATE INDEX releases_project_index ON public.releases USING btree (project_id, created_at);

create table schedule_runs (
  run_key text not null,
  schedule_id uuid not null,
  tenant_id uuid not null,
  scheduled_at timestamp with time zone not null,
  job_id uuid,
  error_code text,
  error text,
  created_at timestamp with time zone not null default now(),
  constraint schedule_runs_pkey PRIMARY KEY (run_key),
  constraint schedule_runs_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES schedules(id),
  constraint schedule_runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX schedule_runs_job_index ON public.schedule_runs USING btree (job_id);
CREATE INDEX schedule_runs_schedule_index ON public.schedule_runs USING btree (schedule_id, scheduled_at);

create table schedules (
  id uuid not null,
  tenant_id uuid not null,
  name text not null,
  job_type text not null,
  payload jsonb not null,
  title text,
  priority smallint not null default 3,
  spec jsonb not null,
  overlap text not null,
  catchup_window_seconds integer not null,
  paused boolean not null default false,
  note text,
  revision integer not null default 1,
  applied_revision integer not null default 0,
  created_by uuid not null,
  role text not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  constraint schedules_pkey PRIMARY KEY (id),
  constraint schedules_name_unique UNIQUE (tenant_id, name),
  constraint schedules_created_by_fkey FOREIGN KEY (created_by) REFERENCES principals(id),
  constraint schedules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table source_pictures (
  version_id uuid not null,
  tenant_id uuid not null,
  artifact_id uuid not null,
  updated_at timestamp with time zone not null default now(),
  width integer not null,
  height integer not null,
  constraint source_pictures_pkey PRIMARY KEY (version_id),
  constraint source_pictures_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id),
  constraint source_pictures_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint source_pictures_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
);

create table tenants (
  id uuid not null,
  slug text not null,
  name text not null,
  created_at timestamp with time zone not null default now(),
  constraint tenants_pkey PRIMARY KEY (id),
  constraint tenants_slug_unique UNIQUE (slug)
);

create table tile_sets (
  version_id uuid not null,
  tenant_id uuid not null,
  width integer not null,
  height integer not null,
  tile_size integer not null,
  overlap integer not null,
  format text not null,
  updated_at timestamp with time zone not null default now(),
  constraint tile_sets_pkey PRIMARY KEY (version_id),
  constraint tile_sets_format_check CHECK ((format = ANY (ARRAY['jpg'::text, 'jpeg'::text, 'png'::text, 'webp'::text]))),
  constraint tile_sets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint tile_sets_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
);

create table tiles (
  version_id uuid not null,
  key text collate "C" not null,
  tenant_id uuid not null,
  size integer not null,
  sha256 text not null,
  media_type text not null,
  by_digest boolean not null default false,
  constraint tiles_pkey PRIMARY KEY (version_id, key),
  constraint tiles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint tiles_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id)
);

create table verified_tile_sets (
  project_id uuid not null,
  digest text not null,
  tenant_id uuid not null,
  seal text not null,
  verified_at timestamp with time zone not null,
  constraint verified_tile_sets_pkey PRIMARY KEY (project_id, digest),
  constraint verified_tile_sets_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint verified_tile_sets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table versions (
  id uuid not null,
  tenant_id uuid not null,
  project_id uuid not null,
  number integer not null,
  status text not null default 'draft'::text,
  revision integer not null default 1,
  published_at timestamp with time zone,
  created_by uuid,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint versions_pkey PRIMARY KEY (id),
  constraint versions_number_unique UNIQUE (project_id, number),
  constraint versions_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'published'::text]))),
  constraint versions_created_by_fkey FOREIGN KEY (created_by) REFERENCES principals(id),
  constraint versions_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id),
  constraint versions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

CREATE OR REPLACE FUNCTION public.audit_is_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      begin
        if tg_op = 'DELETE' then
          if old.at < now() - interval '90 days' then return old; end if;
        end if;
        raise exception 'the audit trail is append-only: % of % refused', lower(tg_op), tg_table_name using errcode = 'insufficient_privilege';
      end
      $function$;

CREATE OR REPLACE FUNCTION public.forget_derived_overlay()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      begin
        new.release_text := null;
        new.formatted := 0;
        new.geometry_problem := null;
        new.checked := 0;
        return new;
      end
      $function$;

CREATE OR REPLACE FUNCTION public.jobs_audit_operator()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
      $function$;

CREATE OR REPLACE FUNCTION public.jobs_mark_changed_fn()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ begin
        new.changed_xid := pg_current_xact_id()::text::bigint; return new;
      end; $function$;

CREATE OR REPLACE FUNCTION public.jobs_note_ending()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      begin
        insert into job_endings (job_id, generation, tenant_id, job_type, status, error_code, queued_at, started_at, ended_at, size, steps)
        values (new.id, new.generation, new.tenant_id, new.job_type, new.status, new.error_code, coalesce(new.queued_at, new.created_at),
          case when old.status = 'running' then greatest(new.started_at, coalesce(new.queued_at, new.created_at)) end,
          coalesce(new.completed_at, now()), new.size, new.steps)
        on conflict do nothing;
        return null;
      end
      $function$;

CREATE OR REPLACE FUNCTION public.jobs_open_generation()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      begin
        new.queued_at := now();
        return new;
      end
      $function$;

CREATE TRIGGER audit_events_append_only BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();

CREATE TRIGGER audit_events_not_emptied BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

CREATE TRIGGER audit_outcomes_append_only BEFORE DELETE OR UPDATE ON public.audit_outcomes FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();

CREATE TRIGGER audit_outcomes_not_emptied BEFORE TRUNCATE ON public.audit_outcomes FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

CREATE TRIGGER jobs_audit_operator AFTER UPDATE ON public.jobs FOR EACH ROW WHEN ((((new.cancel_requested_in IS NOT NULL) AND (new.cancel_requested_in IS DISTINCT FROM old.cancel_requested_in)) OR ((new.generation > old.generation) AND (new.status = 'running'::text)) OR ((new.error_code = 'terminated_by_operator'::text) AND (old.error_code IS DISTINCT FROM new.error_code) AND (new.cancel_terminated_at IS NULL)))) EXECUTE FUNCTION jobs_audit_operator();

CREATE TRIGGER jobs_note_ending AFTER UPDATE ON public.jobs FOR EACH ROW WHEN (((new.status <> ALL (ARRAY['queued'::text, 'running'::text])) AND ((old.status = ANY (ARRAY['queued'::text, 'running'::text])) OR (new.generation > old.generation)))) EXECUTE FUNCTION jobs_note_ending();

CREATE TRIGGER jobs_open_generation BEFORE UPDATE ON public.jobs FOR EACH ROW WHEN ((new.generation > old.generation)) EXECUTE FUNCTION jobs_open_generation();

CREATE TRIGGER mark_changed BEFORE UPDATE ON public.jobs FOR EACH ROW EXECUTE FUNCTION jobs_mark_changed_fn();

CREATE TRIGGER overlays_forget_derived BEFORE UPDATE OF ref, type, layer, label, geometry, properties, style ON public.overlays FOR EACH ROW WHEN (((NOT (new.release_text IS DISTINCT FROM old.release_text)) AND (((((((new.ref IS DISTINCT FROM old.ref) OR (new.type IS DISTINCT FROM old.type)) OR (new.layer IS DISTINCT FROM old.layer)) OR (new.label IS DISTINCT FROM old.label)) OR (new.geometry IS DISTINCT FROM old.geometry)) OR (new.properties IS DISTINCT FROM old.properties)) OR (new.style IS DISTINCT FROM old.style)))) EXECUTE FUNCTION forget_derived_overlay();
