import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before leaves the new columns as they are, and reads none of them. */
export class TellOperators extends Migration {
  override up(): void {
    // Which activity attempt works on the step, and when the next one comes: else a job that waits for a store for an hour looks idle.
    this.addSql(`alter table jobs add attempt int not null default 0, add next_attempt_at timestamptz null;`);
    // What an operator should look at: {code, message, since}; null while nothing is odd. No state: the job goes on being what it is.
    this.addSql(`alter table jobs add attention jsonb null;`);
    // The cancellation's receipt: requested (there already) → acknowledged → stopped → compensated; who asked, where it was not a
    // principal; until when it may take, and when it was terminated because it took longer.
    this.addSql(`
      alter table jobs
        add cancel_requested_in text null,
        add cancel_acknowledged_at timestamptz null,
        add cancel_stopped_at timestamptz null,
        add cancel_compensated_at timestamptz null,
        add cancel_deadline_at timestamptz null,
        add cancel_terminated_at timestamptz null;
    `);
    // What finished steps yielded, for a retry that goes on behind them, and the draft's revision that it is true of: a reset of an older
    // run may leave results of another one behind. A table of its own: the row is written ten times a second.
    this.addSql(`
      create table job_step_results (
        job_id uuid not null references jobs (id),
        step text not null,
        tenant_id uuid not null references tenants (id),
        generation int not null,
        revision int not null,
        at timestamptz not null default now(),
        result jsonb not null,
        primary key (job_id, step)
      );
    `);
    // Which generation of the job a request opened: a retry that is repeated is answered as it was the first time.
    this.addSql(`alter table idempotency_keys add generation int not null default 1;`);
    // Up to where the leader has listed what started and ended in Temporal: the next one goes on there.
    this.addSql(`alter table leases add watermark timestamptz null;`);
  }

  override down(): void {
    this.addSql(`alter table leases drop watermark;`);
    this.addSql(`alter table idempotency_keys drop generation;`);
    this.addSql(`drop table job_step_results;`);
    this.addSql(`
      alter table jobs
        drop cancel_requested_in, drop cancel_acknowledged_at, drop cancel_stopped_at, drop cancel_compensated_at,
        drop cancel_deadline_at, drop cancel_terminated_at;
    `);
    this.addSql(`alter table jobs drop attention;`);
    this.addSql(`alter table jobs drop attempt, drop next_attempt_at;`);
  }
}
