import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before leaves the new columns at what they are for a publish, and reads none of them. */
export class RunEveryJobType extends Migration {
  override up(): void {
    // What was asked for beside the payload. priority: Temporal's, 1 first and 5 last. deadline_at: the job must have ended by then.
    // expires_at: the row may be removed from then on. max_retries: null for what the type says.
    this.addSql(`
      alter table jobs
        add title text null,
        add priority smallint not null default 3,
        add deadline_at timestamptz null,
        add expires_at timestamptz null,
        add max_retries int null,
        add constraint jobs_priority_check check (priority between 1 and 5);
    `);
    // A job that another one started. Its id is derived from its parent's and the key, so that a parent that runs again finds it. No foreign key:
    // a parent whose row has expired leaves its children as they are.
    this.addSql(`
      alter table jobs add parent_id uuid null, add member_key text null;
      create unique index jobs_parent_member_unique on jobs (parent_id, member_key);
    `);
    // Number of the run in a chain that continued as new: the next one of the chain goes on with the row, one of a reset adopts it.
    this.addSql(`alter table jobs add segment int not null default 0;`);
    this.addSql(`create index jobs_type_index on jobs (tenant_id, job_type, created_at, id);`);

    // What people bring and jobs make: bytes in the private store, under the artifact's id.
    this.addSql(`
      create table artifacts (
        id uuid primary key,
        tenant_id uuid not null references tenants (id),
        kind text not null,
        job_id uuid null references jobs (id),
        project_id uuid null references projects (id),
        name text not null,
        media_type text not null,
        size bigint not null,
        sha256 text not null,
        created_by uuid null references principals (id),
        created_at timestamptz not null default now(),
        expires_at timestamptz null,
        constraint artifacts_kind_check check (kind in ('upload', 'result', 'errors'))
      );
      create index artifacts_tenant_index on artifacts (tenant_id, created_at, id);
      create index artifacts_job_index on artifacts (job_id);
      create index artifacts_expiry_index on artifacts (expires_at);
    `);
    // The picture that a draft's tiles are cut from.
    this.addSql(`
      create table source_pictures (
        version_id uuid primary key references versions (id),
        tenant_id uuid not null references tenants (id),
        artifact_id uuid not null references artifacts (id),
        updated_at timestamptz not null default now()
      );
    `);
  }

  override down(): void {
    this.addSql(`drop table source_pictures, artifacts;`);
    this.addSql(`drop index jobs_type_index;`);
    this.addSql(`alter table jobs drop segment;`);
    this.addSql(`alter table jobs drop parent_id, drop member_key;`);
    this.addSql(`alter table jobs drop title, drop priority, drop deadline_at, drop expires_at, drop max_retries;`);
  }
}
