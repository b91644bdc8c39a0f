/** Rows of members: what a job is to start, and what has become of it. */
import type { JobStatus } from "../../../contract/job-state.ts";
import type { JobType } from "../../../contract/job-types.ts";
import type { Problem } from "../../../contract/problem.ts";
import { query, queryOne, type Db } from "../../db.ts";
import type { Naming } from "../named-uploads.ts";

export interface NewMember {
  position: number;
  key: string;
  /** Derived from the group's id and the key. */
  job_id: string;
  job_type: JobType;
  payload: Record<string, unknown>;
  title: string | null;
  /** 1 first, 5 last. */
  priority: number;
  weight: number;
  /** Keys. */
  depends_on: readonly string[];
}

/** Why no job could be made of a member when it was due. */
export interface Refusal {
  code: string;
  message: string;
  errors?: Problem[];
}

/** A member with what its job has come to; null where there is none. */
export interface MemberRow extends Omit<NewMember, "payload"> {
  again: boolean;
  /** That passes by the limit of its retries. */
  force: boolean;
  refused: Refusal | null;
  /** The end that the group's ledger has told last. */
  told: string | null;
  status: JobStatus | null;
  progress: number | null;
  generation: number | null;
  error_code: string | null;
  message: string | null;
  cancelling: boolean | null;
}

/** One statement for all; those that are there already stay as they are. */
export async function insertMembers(
  tx: Db,
  group: { id: string; tenant_id: string },
  members: readonly NewMember[],
): Promise<void> {
  await query(
    tx,
    `
    insert into group_members (group_id, position, key, tenant_id, job_id, job_type, payload, title, priority, weight, depends_on)
    select $1, m.position, m.key, $2, m.job_id, m.job_type, m.payload, m.title, m.priority, m.weight,
      array(select jsonb_array_elements_text(m.depends_on))
    from jsonb_to_recordset($3::jsonb) as m (position int, key text, job_id uuid, job_type text, payload jsonb, title text,
      priority smallint, weight float8, depends_on jsonb)
    on conflict (group_id, position) do nothing
    `,
    [group.id, group.tenant_id, JSON.stringify(members)],
  );
}

const ROWS = `
  select m.position, m.key, m.job_id, m.job_type, m.title, m.priority, m.weight, m.depends_on, m.again, m.force, m.refused, m.told,
    j.status, j.progress, j.generation, j.error_code, j.message, j.cancel_requested_at is not null as cancelling
  from group_members m
  left join jobs j on j.id = m.job_id`;

/** All of a group, in the order of the request; without their payloads, which may be long. */
export async function readMembers(db: Db, groupId: string): Promise<MemberRow[]> {
  return query<MemberRow>(db, `${ROWS} where m.group_id = $1 order by m.position`, [groupId]);
}

export async function readPayloads(
  db: Db,
  groupId: string,
  positions: readonly number[],
): Promise<Map<number, Record<string, unknown>>> {
  const rows = await query<{ position: number; payload: Record<string, unknown> }>(
    db,
    `select position, payload from group_members where group_id = $1 and position = any($2::int[])`,
    [groupId, positions],
  );
  return new Map(rows.map(({ position, payload }) => [position, payload]));
}

/** What all of a group were asked to do. */
export async function readAsked(db: Db, groupId: string): Promise<Naming[]> {
  return query<Naming>(db, `select job_type as type, payload, '' as at from group_members where group_id = $1`, [
    groupId,
  ]);
}

/** They have begun, or begun once more. */
export async function markBegun(tx: Db, groupId: string, positions: readonly number[]): Promise<void> {
  await query(
    tx,
    `update group_members set again = false, force = false, refused = null where group_id = $1 and position = any($2::int[])`,
    [groupId, positions],
  );
}

/** No job could be made of them, for now. */
export async function markRefused(
  tx: Db,
  groupId: string,
  refusals: readonly { position: number; refused: Refusal }[],
): Promise<void> {
  await query(
    tx,
    `
    update group_members m set again = false, force = false, refused = r.refused, told = null
    from jsonb_to_recordset($2::jsonb) as r (position int, refused jsonb)
    where m.group_id = $1 and m.position = r.position
    `,
    [groupId, JSON.stringify(refusals)],
  );
}

/** What the group's ledger has told of them. */
export async function markTold(
  tx: Db,
  groupId: string,
  told: readonly { position: number; told: string }[],
): Promise<void> {
  await query(
    tx,
    `
    update group_members m set told = t.told
    from jsonb_to_recordset($2::jsonb) as t (position int, told text)
    where m.group_id = $1 and m.position = t.position
    `,
    [groupId, JSON.stringify(told)],
  );
}

/** A retry of the group: those that were not done run once more, those that were never again. `force`: whatever their limits say. */
export async function runMembersAgain(tx: Db, groupId: string, force: boolean): Promise<void> {
  await query(
    tx,
    `
    update group_members m set again = true, force = $2
    where m.group_id = $1
      and (m.refused is not null or exists (select 1 from jobs j where j.id = m.job_id and j.status in ('failed', 'cancelled')))
    `,
    [groupId, force],
  );
}

/** Changes with each end, beginning and retry of a child: far cheaper to ask for than all of them. */
export async function pulseOfChildren(db: Db, parentId: string): Promise<string> {
  const row = await queryOne<{ pulse: string }>(
    db,
    `
    select concat_ws('/', count(*), sum(generation), count(*) filter (where status in ('queued', 'running'))) as pulse
    from jobs where parent_id = $1
    `,
    [parentId],
  );
  return row?.pulse ?? "";
}

/** Jobs that the job has started and that can still be stopped: not those past their switch. `limited`: somebody has said how long they may take. */
export async function stoppableChildren(db: Db, parentId: string): Promise<{ job_id: string; limited: boolean }[]> {
  return query<{ job_id: string; limited: boolean }>(
    db,
    `
    select id as job_id, cancel_requested_at is not null and cancel_deadline_at is not null as limited
    from jobs where parent_id = $1 and status in ('queued', 'running') and switched_at is null
    `,
    [parentId],
  );
}

/** Who has asked for the cancel of a group, and how long it may take: as long as the group itself. Null for one that Temporal's Web UI asked for. */
export interface Canceller {
  id: string | null;
  name: string;
  reason: string | null;
  deadline_seconds: number | null;
}

export async function findCanceller(db: Db, groupId: string): Promise<Canceller> {
  const row = await queryOne<Canceller>(
    db,
    `
    select p.id, coalesce(p.name, j.cancel_requested_in, 'its group') as name, j.cancel_reason as reason,
      -- greatest() of 1 and null is 1.
      case when stops.by is not null then greatest(1, extract(epoch from stops.by - now())) end::float8 as deadline_seconds
    from jobs j
    cross join lateral (select least(j.cancel_deadline_at, j.deadline_stop_at) as by) stops
    left join principals p on p.id = j.cancel_requested_by
    where j.id = $1
    `,
    [groupId],
  );
  return row ?? { id: null, name: "its group", reason: null, deadline_seconds: null };
}
