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
  }

  override down(): void {
    this.addSql(`drop table job_permits;`);
  }
}
