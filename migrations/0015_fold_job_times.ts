import { Migration } from "@mikro-orm/migrations";

const KEY = "tenant_id, grain, at, job_type, status, measure";

/** Folds rows of `job_times`; what they say stays. Statistics wait meanwhile: a second for some hundred thousand rows. */
export class FoldJobTimes extends Migration {
  override up(): void {
    // A histogram is one row, counts by bucket: {"96": 12}. With a row for each bucket, ninety days were 28,000 rows, strewn over the table
    // as they were first counted.
    this.addSql(`
      create temporary table folded on commit drop as
        select ${KEY}, jsonb_object_agg(bucket, count) as counts from job_times group by ${KEY};
      truncate job_times;
      alter table job_times
        drop constraint job_times_pkey,
        drop column bucket,
        drop column count,
        add column counts jsonb not null,
        add constraint job_times_pkey primary key (${KEY});
      insert into job_times (${KEY}, counts) select ${KEY}, counts from folded;
      drop table folded;
    `);
  }

  override down(): void {
    this.addSql(`
      create temporary table unfolded on commit drop as
        select ${KEY}, key::smallint as bucket, value::int as count from job_times, jsonb_each_text(counts);
      truncate job_times;
      alter table job_times
        drop constraint job_times_pkey,
        drop column counts,
        add column bucket smallint not null,
        add column count int not null,
        add constraint job_times_pkey primary key (${KEY}, bucket);
      insert into job_times (${KEY}, bucket, count) select ${KEY}, bucket, count from unfolded;
      drop table unfolded;
    `);
  }
}
