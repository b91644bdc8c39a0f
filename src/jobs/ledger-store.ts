/** The ledger: append-only events of a job, numbered without gaps for the job's whole life. */
import { query, queryOne, type Db } from "../db.ts";

export type EventKind = "status" | "step" | "log" | "result";

export interface JobEvent {
  seq: number;
  /** ISO 8601. */
  at: string;
  kind: EventKind;
  data: Record<string, unknown>;
}

/** Is the newest log entry with a failure's code this one, of this step, and younger than that? */
export async function hasTold(
  db: Db,
  jobId: string,
  told: { code: string; step: string | null; minutes: number },
): Promise<boolean> {
  const row = await queryOne<{ same: boolean }>(
    db,
    `
    select data ->> 'code' = $2 and data ->> 'step' is not distinct from $3
      and at > now() - make_interval(mins => $4) as same
    from job_events where job_id = $1 and kind = 'log' and data ? 'code' order by seq desc limit 1
    `,
    [jobId, told.code, told.step, told.minutes],
  );
  return row?.same ?? false;
}

/** Events after `after` in order, at most `limit`. */
export async function eventsAfter(db: Db, jobId: string, after: number, limit: number): Promise<JobEvent[]> {
  const rows = await query<{ seq: number; at: string; kind: EventKind; data: Record<string, unknown> }>(
    db,
    `select seq, at, kind, data from job_events where job_id = $1 and seq > $2 order by seq limit $3`,
    [jobId, after, limit],
  );
  return rows.map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
}

/** PostgreSQL refuses payloads of 8,000 bytes; an id and its comma are 37. */
export const IDS_PER_NOTIFICATION = 200;

/**
 * Wakes listeners; a payload holds ids or is `*`. One call per batch: NOTIFY takes a database-wide lock at commit, which all other
 * notifying transactions wait for. So this commit does not wait for the disk: what a crash loses of it nobody could have read.
 */
export async function notifyJobs(db: Db, channel: string, payloads: string[]): Promise<void> {
  await query(
    db,
    `select set_config('synchronous_commit', 'off', true), pg_notify($1, payload) from unnest($2::text[]) as payload`,
    [channel, payloads],
  );
}

/** Events of many jobs in one statement: of each those with `after < seq <= upto`, in order. */
export async function newestEvents(
  db: Db,
  jobs: { id: string; after: number; upto: number }[],
): Promise<Map<string, JobEvent[]>> {
  const rows = await query<JobEvent & { job_id: string }>(
    db,
    `
    select e.job_id, e.seq, e.at, e.kind, e.data
    from unnest($1::uuid[], $2::int[], $3::int[]) as wanted (id, after, upto)
    join job_events e on e.job_id = wanted.id and e.seq > wanted.after and e.seq <= wanted.upto
    order by e.job_id, e.seq
    `,
    [jobs.map((job) => job.id), jobs.map((job) => job.after), jobs.map((job) => job.upto)],
  );
  const found = new Map<string, JobEvent[]>();
  for (const { job_id, ...event } of rows) {
    const events = found.get(job_id) ?? [];
    events.push({ ...event, at: new Date(event.at).toISOString() });
    found.set(job_id, events);
  }
  return found;
}

/** What the retry which opened the generation said: the step that it begins at, and why there; null where the ledger knows of none. */
export async function findReopening(
  db: Db,
  key: { job_id: string; generation: number },
): Promise<{ from: string; message: string } | null> {
  return queryOne<{ from: string; message: string }>(
    db,
    `
    select data->>'from' as from, data->>'message' as message from job_events
    where job_id = $1 and kind = 'status' and data->'reopened' = 'true' and data->'generation' = to_jsonb($2::int)
    order by seq limit 1
    `,
    [key.job_id, key.generation],
  );
}

/** How the job was done last, in whatever generation: what its row had, but for the problems of what was left out. Null for one that never was. */
export async function findLastDone(
  db: Db,
  jobId: string,
): Promise<{ status: "completed" | "partially_completed"; message: string; result: Record<string, unknown> } | null> {
  return queryOne(
    db,
    `
    select e.data->>'status' as status, e.data->>'message' as message, r.data as result
    from job_events e
    cross join lateral (
      select data from job_events where job_id = e.job_id and kind = 'result' and seq < e.seq order by seq desc limit 1
    ) r
    where e.job_id = $1 and e.kind = 'status' and e.data->>'status' in ('completed', 'partially_completed')
    order by e.seq desc limit 1
    `,
    [jobId],
  );
}
