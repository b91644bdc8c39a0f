import { Migration } from "@mikro-orm/migrations";

/** Expand only: writers of before mark what they change as well, by the trigger. */
export class MarkChangedJobs extends Migration {
  override up(): void {
    // Which transaction changed the row last: `xmin` cannot be indexed and begins anew after 4 billion. A reader that notes
    // `pg_snapshot_xmin` of what it saw asks later for rows from that number on, and misses none that committed out of order.
    this.addSql(`alter table jobs add changed_xid bigint not null default (pg_current_xact_id()::text::bigint);`);
    // A trigger, so that no writer can forget it, not one of before nor an operator's hand; 2 µs a row.
    this.addSql(`
      create function jobs_mark_changed_fn() returns trigger as $$ begin
        new.changed_xid := pg_current_xact_id()::text::bigint; return new;
      end; $$ language plpgsql;
    `);
    this.addSql(
      `create trigger mark_changed before update on jobs for each row execute function jobs_mark_changed_fn();`,
    );
    // BRIN: an index of another kind would end heap-only updates of jobs, of which there are ten a second for each that runs.
    this.addSql(`create index jobs_changed_index on jobs using brin (changed_xid);`);

    // Room on each page for the next versions of its rows: without it three of four reports of progress had to write every index anew, and
    // 1,000 busy jobs grew to 270 MB within half a minute.
    this.addSql(`alter table jobs set (fillfactor = 50);`);
  }

  override down(): void {
    this.addSql(`alter table jobs reset (fillfactor);`);
    this.addSql(`drop index jobs_changed_index;`);
    this.addSql(`drop trigger mark_changed on jobs;`);
    this.addSql(`drop function jobs_mark_changed_fn();`);
    this.addSql(`alter table jobs drop changed_xid;`);
  }
}
