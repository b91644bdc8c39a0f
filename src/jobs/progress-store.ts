/** Percent and message of many jobs in one statement: overwritten, not recorded. */
import { query, type Db } from "../db.ts";

export interface ProgressRow {
  job_id: string;
  generation: number;
  attempt_at: number;
  /** Number of the report within its activity attempt, from 1. */
  report: number;
  /** 0 to 100. */
  progress: number;
  message: string;
}

/**
 * Writes each row whose job still belongs to that attempt and has no later report. At most one row per job. Answers the jobs whose
 * rows another transaction holds: try those again. A statement that waited for one of them would keep all the others locked for as
 * long, and batches of several workers could wait for each other in a circle.
 */
export async function writeProgress(db: Db, rows: ProgressRow[]): Promise<string[]> {
  const column = <K extends keyof ProgressRow>(name: K): ProgressRow[K][] => rows.map((row) => row[name]);
  const held = await query<{ id: string }>(
    db,
    `
    with news as (
      select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::text[])
        as n (id, generation, attempt_at, report, progress, message)
    ), locked as (
      select id from jobs where id in (select id from news) for update skip locked
    ), written as (
      update jobs set progress = n.progress, message = n.message, report = n.report, last_activity_at = now(), updated_at = now()
      from news n join locked using (id)
      where jobs.id = n.id and jobs.status = 'running' and jobs.generation = n.generation
        and jobs.attempt_at = n.attempt_at and jobs.report < n.report
    )
    select id from jobs where id in (select id from news) and id not in (select id from locked)
    `,
    [
      column("job_id"),
      column("generation"),
      column("attempt_at"),
      column("report"),
      column("progress"),
      column("message"),
    ],
  );
  return held.map(({ id }) => id);
}
