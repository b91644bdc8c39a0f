/** What the feeds of a gateway read: what has changed since they looked, of the jobs that are watched. */
import { query, queryOne, type Db } from "../db.ts";
import { withEtas } from "./eta/etas.ts";
import { RECORDS, type JobRecord } from "./job-queries-store.ts";

/** The columns of a job that change with reports of progress, or without any event. */
export type Progress = Pick<
  JobRecord,
  | "id"
  | "changed_xid"
  | "seq"
  | "generation"
  | "attempt_at"
  | "status"
  | "step"
  | "progress"
  | "message"
  | "attempt"
  | "next_attempt_at"
  | "attention"
  | "updated_at"
  | "last_activity_at"
>;

/**
 * Of the jobs that changed since they had this `changed_xid` and `seq`: what progress changes, without the joins and documents of the whole record,
 * which cost ten times as much. By `seq` as well, for after a crash PostgreSQL may give a number again that a lost report of progress had.
 * `gone`: there is no such job any more.
 */
export async function progressSince(
  db: Db,
  known: readonly Pick<JobRecord, "id" | "changed_xid" | "seq">[],
): Promise<{ changed: Progress[]; gone: string[] }> {
  const rows = await query<Progress & { asked: string }>(
    db,
    `
    select known.id as asked, j.id, j.changed_xid, j.seq, j.generation, j.attempt_at, j.status, j.step, j.progress, j.message,
      j.attempt, j.next_attempt_at, j.attention, j.updated_at, j.last_activity_at
    from unnest($1::uuid[], $2::bigint[], $3::int[]) as known (id, changed_xid, seq)
    left join jobs j on j.id = known.id
    where j.changed_xid is distinct from known.changed_xid or j.seq is distinct from known.seq
    `,
    [known.map(({ id }) => id), known.map(({ changed_xid }) => changed_xid), known.map(({ seq }) => seq)],
  );
  return {
    changed: rows.filter(({ id }) => id !== null),
    gone: rows.filter(({ id }) => id === null).map(({ asked }) => asked),
  };
}

/** Which jobs of a tenant. All of it that is given must hold. */
export interface StatesFilter {
  tenant_id: string;
  ids?: readonly string[];
  project_id?: string;
  type?: string;
  /** A group: the job itself, and those that it has started. */
  group_id?: string;
}

/**
 * A moment in the order of commits: every change with a smaller `changed_xid` was visible to the statement that answered it. Later
 * commits, also of transactions that began before, have this number or a higher one.
 */
export type Watermark = string;

/** The present moment. */
export async function readWatermark(db: Db): Promise<Watermark> {
  const row = await queryOne<{ watermark: string }>(
    db,
    `select pg_snapshot_xmin(pg_current_snapshot())::text as watermark`,
  );
  return row?.watermark ?? "0";
}

/** Jobs that changed at or after the watermark, of any state, oldest change first, at most `limit`. */
export async function changedSince(
  db: Db,
  filter: { tenant_ids: readonly string[]; since: Watermark; limit: number } & Partial<Omit<StatesFilter, "tenant_id">>,
): Promise<JobRecord[]> {
  const params: unknown[] = [filter.tenant_ids, filter.since];
  const changed = await query<JobRecord>(
    db,
    `
    ${RECORDS}
    where j.tenant_id = any($1::uuid[]) and j.changed_xid >= $2::bigint ${narrowed(filter, params)}
    order by j.changed_xid, j.id
    limit $${params.push(filter.limit)}
    `,
    params,
  );
  return withEtas(db, changed);
}

/** What a new stream of states begins with: the named jobs, all of a group, or else the open ones that match, in id order. */
export async function presentStates(db: Db, filter: StatesFilter, limit: number): Promise<JobRecord[]> {
  const params: unknown[] = [filter.tenant_id];
  const open = filter.ids || filter.group_id ? "" : "and j.status in ('queued', 'running')";
  const present = await query<JobRecord>(
    db,
    `${RECORDS} where j.tenant_id = $1 ${open} ${narrowed(filter, params)} order by j.id limit $${params.push(limit)}`,
    params,
  );
  return withEtas(db, present);
}

function narrowed({ ids, project_id, type, group_id }: Partial<StatesFilter>, params: unknown[]): string {
  return [
    ...(ids ? [`and j.id = any($${params.push(ids)}::uuid[])`] : []),
    ...(project_id === undefined ? [] : [`and j.project_id = $${params.push(project_id)}`]),
    ...(group_id === undefined ? [] : [`and $${params.push(group_id)}::uuid in (j.id, j.parent_id)`]),
    ...(type === undefined ? [] : [`and j.job_type = $${params.push(type)}`]),
  ].join(" ");
}
