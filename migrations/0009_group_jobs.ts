import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before reads none of it. */
export class GroupJobs extends Migration {
  override up(): void {
    // What a job is to start, one row each: the jobs themselves are inserted when they are due. `again`: a retry of the group runs it once
    // more. `refused`: why no job could be made of it when it was due. `told`: the end that the group's ledger has told last.
    this.addSql(`
      create table group_members (
        group_id uuid not null references jobs (id),
        position int not null,
        key text not null,
        tenant_id uuid not null references tenants (id),
        job_id uuid not null,
        job_type text not null,
        payload jsonb not null,
        title text null,
        priority smallint not null default 3,
        weight float8 not null default 1,
        depends_on text[] not null default '{}',
        again boolean not null default false,
        refused jsonb null,
        told text null,
        primary key (group_id, position)
      );
      create unique index group_members_key_unique on group_members (group_id, key);
    `);
    // How many members are in which state, as the group's ledger has told them.
    this.addSql(`alter table jobs add members jsonb null;`);
  }

  override down(): void {
    this.addSql(`alter table jobs drop members;`);
    this.addSql(`drop table group_members;`);
  }
}
