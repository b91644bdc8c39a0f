import { Migration } from "@mikro-orm/migrations";

/** Adds a table only. */
export class StageImportedRows extends Migration {
  override up(): void {
    // Rows of a file on their way into a draft: read once, durable from then on, removed when the job is over. `stage` is made of the
    // job, its generation and the file's bytes, so whoever writes a row writes the same, however often: no fence is needed here.
    // No foreign keys: two look-ups for each of a million rows, which maintenance removes once their job is over or gone.
    // number: in the file, from 1, without header and empty lines; line: where people find it. `patch`: what the row says beside label
    // and properties. `problems`: why the row cannot be used at all; `verdict`: why not in this draft, by the last look at it.
    this.addSql(`
      create table import_rows (
        stage uuid not null,
        number int not null,
        job_id uuid not null,
        tenant_id uuid not null,
        line int not null,
        ref text null,
        label jsonb null,
        properties jsonb null,
        patch jsonb null,
        problems jsonb null,
        verdict jsonb null,
        primary key (stage, number)
      );
    `);
    // The few that cannot be used are listed, counted and looked for again.
    this.addSql(`
      create index import_rows_rejected_index on import_rows (stage, number)
        where problems is not null or verdict is not null;
    `);
  }

  override down(): void {
    this.addSql(`drop table import_rows;`);
  }
}
