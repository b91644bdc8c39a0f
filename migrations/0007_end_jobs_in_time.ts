import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before leaves the new columns empty, and ends no job for its deadline. */
export class EndJobsInTime extends Migration {
  override up(): void {
    // Set once the deadline of a running job has passed: it is being stopped, and is terminated if it still runs by then.
    this.addSql(`alter table jobs add deadline_stop_at timestamptz null;`);
    // The reconciler asks every second for open jobs whose deadline has passed: few of a million rows, most of which have none.
    this.addSql(`
      create index jobs_deadline_index on jobs (deadline_at)
      where deadline_at is not null and status in ('queued', 'running');
    `);

    // Who has put a dead letter away, when and why; it can still be read.
    this.addSql(`
      alter table jobs
        add discarded_at timestamptz null,
        add discarded_by uuid null references principals (id),
        add discard_reason text null;
    `);
    // Dead letters, the newest first, counted by type and code: with all that decides of one in the index neither reads the table. None of
    // its columns changes while a job runs, so reports of progress stay heap-only updates.
    this.addSql(`
      create index jobs_dead_index on jobs (tenant_id, completed_at, id, job_type, error_code, generation, max_retries)
      where status = 'failed' and discarded_at is null;
    `);
  }

  override down(): void {
    this.addSql(`drop index jobs_dead_index;`);
    this.addSql(`alter table jobs drop discarded_at, drop discarded_by, drop discard_reason;`);
    this.addSql(`drop index jobs_deadline_index;`);
    this.addSql(`alter table jobs drop deadline_stop_at;`);
  }
}
