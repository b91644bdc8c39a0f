/** Which jobs the reconciler looks at: each query answers those of one reason, with what tells one look from the next. */
import { query, type Db } from "../db.ts";
import type { ListedRun } from "../temporal.ts";

/** A job to look at. `mark` changes with everything that makes another look worth while. */
export interface QuietJob {
  id: string;
  mark: string;
}

/** What a job writes while a cancel is on its way to it does not change its mark; that a deadline has passed does. */
const MARK = `
  concat_ws('/', status, generation, run_id, coalesce(cancel_requested_at, deadline_stop_at, updated_at), cancel_deadline_at < now(),
    deadline_at < now(), deadline_stop_at < now()) as mark`;

const IS_OPEN = `status in ('queued', 'running')`;

/**
 * Open jobs that nobody has written to for `quietMs`, in id order, after `afterId`. Gateways and workers write to what is young or
 * alive. A job that is to be cancelled is looked at though it is lively: the request may have been lost on its way to Temporal.
 */
export async function quietOpenJobs(
  db: Db,
  options: { afterId: string; quietMs: number; limit: number },
): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select id, ${MARK}
    from jobs
    where ${IS_OPEN} and id > $1
      and (updated_at < now() - make_interval(secs => $2::float8 / 1000)
        or cancel_requested_at is not null or deadline_at < now())
    order by id limit $3
    `,
    [options.afterId, options.quietMs, options.limit],
  );
}

/** At most `limit` of the jobs that ended within the last `seconds`, any of them. */
export async function justEndedJobs(db: Db, options: { seconds: number; limit: number }): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select id, ${MARK}
    from jobs
    where completed_at > now() - make_interval(secs => $1)
    order by random() limit $2
    `,
    [options.seconds, options.limit],
  );
}

/**
 * Jobs to be cancelled that have not switched: first those whose deadline has passed, the oldest first, then any of the others, so that
 * no thousand of them keeps one from being asked again.
 */
export async function cancellingJobs(db: Db, options: { limit: number }): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select id, ${MARK}
    from jobs
    where ${IS_OPEN} and cancel_requested_at is not null and switched_at is null
    order by case when cancel_deadline_at < now() then cancel_deadline_at end nulls last, random()
    limit $1
    `,
    [options.limit],
  );
}

/** Open jobs that have not switched and whose deadline has passed, the oldest first. */
export async function overdueJobs(db: Db, options: { limit: number }): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select id, ${MARK}
    from jobs
    where ${IS_OPEN} and deadline_at < now() and switched_at is null
    order by deadline_at limit $1
    `,
    [options.limit],
  );
}

/** How long a step may say nothing, in s, until it may as well have ended: its end is not in the row before the next begins or `settle`. */
const SILENT_STEP_SECONDS = 5;

/**
 * Open jobs whose workflow task fails, or may have begun to, newest first: those that have gone quiet within the last minute. Where a step
 * runs, `SILENT_STEP_SECONDS` ago at least: the row says so too when its last attempt has failed or timed out, which only Temporal knows. What
 * has been quiet for longer is the walk's.
 */
export async function suspectJobs(db: Db, options: { quietMs: number; limit: number }): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select id, ${MARK}
    from jobs
    where ${IS_OPEN}
      and (
        attention ->> 'code' = 'stuck'
        or updated_at < now() - make_interval(secs => $1::float8 / 1000)
          and updated_at > now() - make_interval(mins => 1)
          and (
            status = 'queued' or not steps @> '[{"status": "running"}]'
            or updated_at < now() - make_interval(secs => $2)
          )
      )
    order by updated_at desc limit $3
    `,
    [options.quietMs, SILENT_STEP_SECONDS, options.limit],
  );
}

/**
 * Jobs whose rows do not say what was listed: a closed run of an open job; an open run that its job does not name, most of all a
 * reset's. A queued job names none yet, or that of its last generation: any run of it that has closed may be the one it waits for.
 */
export async function differingJobs(db: Db, runs: readonly ListedRun[]): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select distinct id, ${MARK}
    from unnest($1::text[], $2::text[], $3::bool[]) as listed (workflow_id, listed_run, is_open)
    join jobs using (workflow_id)
    where case
      when is_open then run_id is distinct from listed_run and not (status = 'queued' and run_id is null)
      else ${IS_OPEN} and (status = 'queued' or run_id = listed_run)
    end
    `,
    [runs.map(({ workflow_id }) => workflow_id), runs.map(({ run_id }) => run_id), runs.map(({ open }) => open)],
  );
}

/** Running jobs that were written to a moment ago, `ageMs` at least, with the runs that they name; 500 of them. */
export async function youngJobs(db: Db, ageMs: number): Promise<(QuietJob & { run: string })[]> {
  return query<QuietJob & { run: string }>(
    db,
    `
    select id, ${MARK}, workflow_id || '/' || run_id as run
    from jobs
    where status = 'running'
      and updated_at < now() - make_interval(secs => $1::float8 / 1000)
      and updated_at > now() - make_interval(secs => $1::float8 / 1000 + 10)
    limit 500
    `,
    [ageMs],
  );
}

/** `ripe`: its row is older than the list. */
export interface MisplacedJob extends QuietJob {
  ripe: boolean;
}

/**
 * The same against a list of all open runs, which began `ageMs` ago; what was written to since may not be in it. Beside those above it
 * finds open jobs without any open run: not started, deleted, or closed unseen. Any `limit` of them: one that cannot be helped hides no other.
 */
export async function misplacedJobs(
  db: Db,
  runs: readonly ListedRun[],
  options: { ageMs: number; limit: number },
): Promise<MisplacedJob[]> {
  return query<MisplacedJob>(
    db,
    `
    with listed as (
      select * from unnest($1::text[], $2::text[]) as listed (workflow_id, listed_run)
    )
    select id, mark, updated_at < now() - make_interval(secs => $3::float8 / 1000) as ripe
    from (
      select id, ${MARK}, updated_at
      from jobs left join listed using (workflow_id)
      where ${IS_OPEN} and (listed_run is null or status = 'running' and run_id is distinct from listed_run)
      union all
      select id, ${MARK}, updated_at
      from listed join jobs using (workflow_id)
      where not ${IS_OPEN} and run_id is distinct from listed_run
    ) misplaced
    order by ripe desc, random() limit $4
    `,
    [runs.map(({ workflow_id }) => workflow_id), runs.map(({ run_id }) => run_id), options.ageMs, options.limit],
  );
}

/** Open jobs of which the row and Temporal's list of paused activities say different things. */
export async function pausedOtherwise(db: Db, paused: readonly ListedRun[]): Promise<QuietJob[]> {
  return query<QuietJob>(
    db,
    `
    select id, ${MARK}
    from jobs
    where ${IS_OPEN}
      and (workflow_id = any($1::text[])) is distinct from (coalesce(attention ->> 'code' = 'paused', false))
    limit 500
    `,
    [paused.map(({ workflow_id }) => workflow_id)],
  );
}
