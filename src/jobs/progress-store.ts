/** Percent and message of many jobs in one statement: overwritten, not recorded. */
import { PROGRESS_CHANNEL } from "../../contract/messages.ts";
import { queryOne, type Db } from "../db.ts";
import { IDS_PER_NOTIFICATION } from "./ledger-store.ts";

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

/** Above every number that a report can have: PostgreSQL's largest int. With it in the row, no report of that attempt counts any more. */
export const LAST_REPORT = 2_147_483_647;

/**
 * Writes each row whose job still belongs to that attempt and has no later report, and is not noted as paused (an attempt that has not
 * heard of its pause yet must not report over what is told of it, and may never hear of it), and wakes listeners for those, all in one round
 * trip. At most one row per job. Answers the jobs whose rows another transaction holds: try those again. A statement that waited
 * for one of them would keep all the others locked for as long, and batches of several workers could wait for each other in a circle.
 *
 * Its commit waits for no disk: meanwhile it would hold the lock that all NOTIFYs of the database wait for, and what a crash of PostgreSQL
 * takes with it is progress, which the next report says anew.
 *
 * Ids are always named, 200 to a notification: 500 jobs are three, 19 KB, and still one commit. With `*` instead each gateway would
 * look at all the jobs it watches, ten times a second for each worker that is this busy.
 */
export async function writeProgress(db: Db, rows: ProgressRow[]): Promise<string[]> {
  const column = <K extends keyof ProgressRow>(name: K): ProgressRow[K][] => rows.map((row) => row[name]);
  const answer = await queryOne<{ held: string[] }>(
    db,
    `
    with news as (
      select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::text[])
        as n (id, generation, attempt_at, report, progress, message)
    ), locked as (
      select n.* from news n join jobs using (id) for update of jobs skip locked
    ), written as (
      update jobs set progress = n.progress, message = n.message, report = n.report, last_activity_at = now(), updated_at = now()
      from locked n
      where jobs.id = n.id and jobs.status = 'running' and jobs.generation = n.generation
        and jobs.attempt_at = n.attempt_at and jobs.report < n.report
        and jobs.attention ->> 'code' is distinct from 'paused'
      returning jobs.id
    ), payloads as (
      select string_agg(id::text, ',') as ids
      from (select id, (row_number() over () - 1) / $8::int as part from written) numbered group by part
    )
    select
      array(select id from jobs where id in (select id from news) and id not in (select id from locked))::text[] as held,
      (select count(pg_notify($7, ids)::text) from payloads) as notifications,
      set_config('synchronous_commit', 'off', true) as lossy
    `,
    [
      column("job_id"),
      column("generation"),
      column("attempt_at"),
      column("report"),
      column("progress"),
      column("message"),
      PROGRESS_CHANNEL,
      IDS_PER_NOTIFICATION,
    ],
  );
  return answer?.held ?? [];
}
