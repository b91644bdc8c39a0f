/** The last runs of a type that went through: kept by the roll-up of the statistics. */
import { query, type Db } from "../../db.ts";
import type { Run } from "./learn.ts";

/** Newest first. */
export async function readRuns(db: Db, of: { tenant_id: string; job_type: string }): Promise<Run[]> {
  return query<Run>(
    db,
    `select size, seconds from job_samples where tenant_id = $1 and job_type = $2 order by ended_at desc limit 100`,
    [of.tenant_id, of.job_type],
  );
}

/** The row must still be running in that generation; what there is to do is the type's own to count. */
export async function writeSize(
  db: Db,
  job: { job_id: string; generation: number; run_id: string },
  size: number,
): Promise<void> {
  await query(
    db,
    `update jobs set size = $4 where id = $1 and status = 'running' and generation = $2 and run_id = $3 and size is distinct from $4`,
    [job.job_id, job.generation, job.run_id, size],
  );
}
