/** Rows of jobs without a project behind them, for benches of what happens to rows. */
import { query, type Database } from "../../src/db.ts";
import { ensureTenant } from "../../src/tenants/tenant-store.ts";

/** Of generation 1; running ones belong to no attempt (`attempt_at` 0). Answers their ids; workflow ids are the same. */
export async function insertJobs(
  database: Database,
  { count, status }: { count: number; status: "queued" | "running" },
): Promise<string[]> {
  const db = database.em.fork();
  const { id } = await ensureTenant(db, { slug: "demo", name: "Demo" });
  const rows = await query<{ id: string }>(
    db,
    `insert into jobs (id, tenant_id, job_type, payload, status, workflow_id)
     select fresh.id, $1, 'publish', '{}', $2, fresh.id::text
     from (select uuidv7() as id from generate_series(1, $3)) fresh returning id`,
    [id, status, count],
  );
  return rows.map((row) => row.id);
}
