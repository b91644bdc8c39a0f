import { Migration } from "@mikro-orm/migrations";

/** The records of Platen. Every row carries `tenant_id`: stores scope by it, and it leads the indexes of lists. */
export class CreateRecords extends Migration {
  override up(): void {
    // Who may do what. Keys are stored as SHA-256: they are 256 random bits, so no slow hash is needed.
    this.addSql(`
      create table tenants (
        id uuid primary key,
        slug text not null,
        name text not null,
        created_at timestamptz not null default now(),
        constraint tenants_slug_unique unique (slug)
      );
      create table principals (
        id uuid primary key,
        tenant_id uuid not null references tenants,
        name text not null,
        kind text not null default 'person',
        created_at timestamptz not null default now(),
        constraint principals_name_unique unique (tenant_id, name),
        constraint principals_kind_check check (kind in ('person', 'service'))
      );
      create table api_keys (
        id uuid primary key,
        tenant_id uuid not null references tenants,
        principal_id uuid not null references principals,
        role text not null,
        key_hash text not null,
        created_at timestamptz not null default now(),
        expires_at timestamptz null,
        revoked_at timestamptz null,
        constraint api_keys_hash_unique unique (key_hash),
        constraint api_keys_role_check check (role in ('viewer', 'operator', 'admin'))
      );
    `);

    // Drafts. Slugs are unique over all tenants: public URLs begin with them.
    this.addSql(`
      create table projects (
        id uuid primary key,
        tenant_id uuid not null references tenants,
        slug text not null,
        name text not null,
        created_by uuid null references principals,
        created_at timestamptz not null default now(),
        constraint projects_slug_unique unique (slug)
      );
      create index projects_tenant_index on projects (tenant_id, slug);
      create table versions (
        id uuid primary key,
        tenant_id uuid not null references tenants,
        project_id uuid not null references projects,
        number int not null,
        status text not null default 'draft',
        revision int not null default 1,
        published_at timestamptz null,
        created_by uuid null references principals,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint versions_number_unique unique (project_id, number),
        constraint versions_status_check check (status in ('draft', 'published'))
      );
      create table configs (
        version_id uuid primary key references versions,
        tenant_id uuid not null references tenants,
        body jsonb not null,
        updated_at timestamptz not null default now()
      );
      create table layers (
        id uuid primary key,
        tenant_id uuid not null references tenants,
        version_id uuid not null references versions,
        ref text not null,
        label jsonb not null,
        style jsonb null,
        visible boolean not null default true,
        sort_order int not null
      );
      create index layers_version_index on layers (version_id, sort_order);
    `);
    // Refs of overlays are not unique here: a draft may be wrong for a while, publishing says so (duplicate_ref).
    // The primary key is the order of the release, so that generating it is one index range scan.
    this.addSql(`
      create table overlays (
        version_id uuid not null references versions,
        sort_order int not null,
        tenant_id uuid not null references tenants,
        ref text not null,
        type text not null,
        layer text null,
        label jsonb not null,
        geometry jsonb not null,
        properties jsonb not null,
        style jsonb null,
        visible boolean not null default true,
        primary key (version_id, sort_order)
      );
      create index overlays_ref_index on overlays (version_id, ref);
    `);
    // A tile set is what its descriptor says; its rows in \`tiles\` are the manifest of what was imported.
    this.addSql(`
      create table tile_sets (
        version_id uuid primary key references versions,
        tenant_id uuid not null references tenants,
        width int not null,
        height int not null,
        tile_size int not null,
        overlap int not null,
        format text not null,
        updated_at timestamptz not null default now(),
        constraint tile_sets_format_check check (format in ('jpg', 'jpeg', 'png', 'webp'))
      );
      create table tiles (
        version_id uuid not null references versions,
        key text collate "C" not null,
        tenant_id uuid not null references tenants,
        size int not null,
        sha256 text not null,
        media_type text not null,
        primary key (version_id, key)
      );
    `);

    // Jobs: the mirror everyone reads. run_id, generation and attempt_at fence every write (PROTOCOL).
    // attempt_at: when the server scheduled the attempt that entered last, in ms since the epoch; 0 for none.
    this.addSql(`
      create table jobs (
        id uuid primary key,
        tenant_id uuid not null references tenants,
        job_type text not null,
        status text not null default 'queued',
        progress int not null default 0,
        message text null,
        step text null,
        steps jsonb not null default '[]',
        payload jsonb not null,
        result jsonb null,
        error_code text null,
        error text null,
        errors jsonb null,
        project_id uuid null references projects,
        version_id uuid null references versions,
        environment text null,
        created_by uuid null references principals,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        started_at timestamptz null,
        completed_at timestamptz null,
        last_activity_at timestamptz null,
        workflow_id text not null,
        run_id text null,
        generation int not null default 1,
        attempt_at bigint not null default 0,
        report int not null default 0,
        seq int not null default 0,
        switched_at timestamptz null,
        epoch int null,
        release_id text null,
        cancel_requested_at timestamptz null,
        cancel_requested_by uuid null references principals,
        cancel_reason text null,
        constraint jobs_workflow_id_unique unique (workflow_id),
        constraint jobs_progress_check check (progress between 0 and 100),
        constraint jobs_status_check check (status in ('queued', 'running', 'completed', 'partially_completed', 'failed', 'cancelled'))
      );
      create index jobs_list_index on jobs (tenant_id, created_at, id);
      create index jobs_project_index on jobs (project_id, created_at, id);
      create index jobs_open_index on jobs (id) where status in ('queued', 'running');
      create index jobs_ended_index on jobs (completed_at);
      create table job_events (
        job_id uuid not null references jobs,
        seq int not null,
        tenant_id uuid not null references tenants,
        at timestamptz not null default clock_timestamp(),
        kind text not null,
        data jsonb not null,
        primary key (job_id, seq),
        constraint job_events_kind_check check (kind in ('status', 'step', 'log', 'result'))
      );
    `);
    // One publish at a time per project and environment; released with the job's final state.
    this.addSql(`
      create table publish_guards (
        project_id uuid not null references projects,
        environment text not null,
        tenant_id uuid not null references tenants,
        job_id uuid not null references jobs,
        claimed_at timestamptz not null default now(),
        primary key (project_id, environment),
        constraint publish_guards_job_unique unique (job_id)
      );
      create table idempotency_keys (
        tenant_id uuid not null references tenants,
        principal_id uuid not null references principals,
        route text not null,
        key text not null,
        body_hash text not null,
        job_id uuid not null references jobs,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null,
        primary key (tenant_id, principal_id, route, key)
      );
      create index idempotency_keys_expiry_index on idempotency_keys (expires_at);
    `);

    // Releases. A reservation fixes id and time for (version, revision), whichever publish asks first; and the digest, once the
    // content was generated first: two workers with different code must not make one release twice.
    this.addSql(`
      create table release_reservations (
        version_id uuid not null references versions,
        revision int not null,
        tenant_id uuid not null references tenants,
        release_id text not null,
        published_at timestamptz not null,
        digest text null,
        primary key (version_id, revision),
        constraint release_reservations_release_unique unique (release_id)
      );
      create table releases (
        id text primary key,
        tenant_id uuid not null references tenants,
        project_id uuid not null references projects,
        version_id uuid not null references versions,
        revision int not null,
        digest text not null,
        tile_set_digest text not null,
        bytes int not null,
        overlay_count int not null,
        tile_count int not null,
        published_at timestamptz not null,
        created_by uuid null references principals,
        created_at timestamptz not null default now(),
        constraint releases_version_unique unique (version_id)
      );
      create index releases_project_index on releases (project_id, created_at);
      create table environments (
        project_id uuid not null references projects,
        environment text not null,
        tenant_id uuid not null references tenants,
        epoch int not null,
        primary key (project_id, environment)
      );
    `);
    // Append-only: what was live where, from when, by which job. One per job: a job switches once for life.
    this.addSql(`
      create table environment_releases (
        project_id uuid not null references projects,
        environment text not null,
        epoch int not null,
        tenant_id uuid not null references tenants,
        release_id text not null references releases,
        job_id uuid not null references jobs,
        nonce text not null,
        switched_at timestamptz not null default now(),
        primary key (project_id, environment, epoch),
        constraint environment_releases_job_unique unique (job_id)
      );
    `);
    // An upload claims a prefix of the public store before it looks what is there: a clean-up must not take it.
    this.addSql(`
      create table object_claims (
        project_id uuid not null references projects,
        prefix text not null,
        job_id uuid not null references jobs,
        tenant_id uuid not null references tenants,
        claimed_at timestamptz not null default now(),
        primary key (project_id, prefix, job_id)
      );
    `);
    // Leader of a periodic task; an optimisation only, every write of the reconciler is a compare-and-set.
    this.addSql(`
      create table leases (
        name text primary key,
        holder text not null,
        expires_at timestamptz not null
      );
    `);
  }

  override down(): void {
    this.addSql(`
      drop table leases, object_claims, environment_releases, environments, releases, release_reservations, idempotency_keys,
        publish_guards, job_events, jobs, tiles, tile_sets, overlays, layers, configs, versions, projects, api_keys,
        principals, tenants;
    `);
  }
}
