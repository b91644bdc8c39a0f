import { Migration } from "@mikro-orm/migrations";

/** Tenants that are there already get the schedule that new ones begin with; see src/jobs/schedules/nightly-maintenance.ts. */
export class TidyUpNightly extends Migration {
  override up(): void {
    // Nothing removed what had expired unless somebody had thought of a schedule. Who has one keeps it as it is. Each tenant has a minute of
    // its own, so that their runs do not wait for each other; the reconciler tells Temporal, for the revision is not applied.
    this.addSql(`
      insert into principals (id, tenant_id, name, kind)
      select gen_random_uuid(), id, 'platen', 'service' from tenants
      on conflict (tenant_id, name) do nothing;
      insert into schedules (id, tenant_id, name, job_type, payload, priority, spec, overlap, catchup_window_seconds, note, created_by, role)
      select gen_random_uuid(), p.tenant_id, 'nightly maintenance', 'maintenance', '{"dry_run": false}', 5,
        jsonb_build_object('cron', concat(floor(random() * 60), ' ', 1 + floor(random() * 4), ' * * *'), 'time_zone', 'UTC'),
        'skip', 86400, 'Made with the tenant. Change, pause or delete it as you like', p.id, 'admin'
      from principals p
      where p.name = 'platen' and p.kind = 'service'
        and not exists (select 1 from schedules s where s.tenant_id = p.tenant_id and s.job_type = 'maintenance')
      on conflict (tenant_id, name) do nothing;
    `);
  }

  override down(): void {
    // They are people's by now, and older code runs them as any other.
    this.addSql(`select 1`);
  }
}
