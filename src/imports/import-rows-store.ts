/** Rows of files on their way into drafts. */
import type { RowProblem } from "./to-row.ts";
import { query, queryOne, transaction, type Db } from "../db.ts";

/** Whose rows they are. */
export interface Stage {
  /** Made of the job, its generation and the file's bytes: whoever writes a row of it writes the same. */
  id: string;
  job_id: string;
  tenant_id: string;
}

/** The last row that is staged: rows come in their order, a batch at a time, so all before it are there as well. */
export async function lastStaged(db: Db, stage: string): Promise<number> {
  const row = await queryOne<{ last: number }>(
    db,
    `select coalesce(max(number), 0) as last from import_rows where stage = $1`,
    [stage],
  );
  return row?.last ?? 0;
}

/** A row as it is sent: by place, which costs PostgreSQL two thirds of what names do. */
export type StagedRow = [
  number: number,
  line: number,
  ref: string | null,
  label: Record<string, string> | null,
  properties: Record<string, unknown> | null,
  patch: object | null,
  problems: readonly RowProblem[] | null,
];

/** `batch`: JSON text of an array of `StagedRow`s. Those that are there already are the same. */
export async function insertRows(db: Db, stage: Stage, batch: string): Promise<void> {
  await query(
    db,
    `
    insert into import_rows (stage, number, job_id, tenant_id, line, ref, label, properties, patch, problems)
    select $1, (r ->> 0)::int, $2, $3, (r ->> 1)::int, r ->> 2, nullif(r -> 3, 'null'), nullif(r -> 4, 'null'),
      nullif(r -> 5, 'null'), nullif(r -> 6, 'null')
    from jsonb_array_elements($4::jsonb) r
    on conflict do nothing
    `,
    [stage.id, stage.job_id, stage.tenant_id, batch],
  );
}

/** Rows, and of them those that cannot be used whatever the draft is. */
export async function countStaged(db: Db, stage: string): Promise<{ rows: number; malformed: number }> {
  const row = await queryOne<{ rows: number; malformed: number }>(
    db,
    `select count(*)::int as rows, (count(*) filter (where problems is not null))::int as malformed from import_rows where stage = $1`,
    [stage],
  );
  return row ?? { rows: 0, malformed: 0 };
}

/**
 * For what joins all rows of a stage with something. PostgreSQL has no statistics yet of rows that have just come, takes them for a handful,
 * and would look through all for each of them: 100,000 rows took longer than seven minutes. Hashing them takes a moment in any case.
 */
export async function hashingRows<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> {
  return transaction(db, async (tx) => {
    await query(tx, `set local enable_nestloop = off`);
    return work(tx);
  });
}

export async function forgetVerdicts(db: Db, stage: string): Promise<void> {
  await query(db, `update import_rows set verdict = null where stage = $1 and verdict is not null`, [stage]);
}

/** Of several rows with one ref the first counts. Refs that come once are only counted: sorting all would take a while. */
export async function judgeRepeated(db: Db, stage: string): Promise<void> {
  await query(
    db,
    `
    with several as materialized (
      select ref from import_rows where stage = $1 and problems is null group by ref having count(*) > 1
    ), numbered as (
      select r.number, row_number() over same as place, first_value(r.line) over same as line
      from import_rows r join several using (ref)
      where r.stage = $1 and r.problems is null
      window same as (partition by r.ref order by r.number)
    )
    update import_rows r set verdict = jsonb_build_object('code', 'ref_repeated', 'line', n.line)
    from numbered n where n.place > 1 and r.stage = $1 and r.number = n.number
    `,
    [stage],
  );
}

/** Against the draft as it is. `create`: overlays are made for refs that it does not have. */
export async function judgeRefs(db: Db, stage: string, draft: { version_id: string; create: boolean }): Promise<void> {
  await query(
    db,
    `
    update import_rows r set verdict = jsonb_build_object('code', 'ref_ambiguous')
    from (select ref from overlays where version_id = $2 group by ref having count(*) > 1) several
    where r.stage = $1 and r.problems is null and r.verdict is null and r.ref = several.ref
    `,
    [stage, draft.version_id],
  );
  await query(
    db,
    `
    update import_rows r set verdict = jsonb_build_object('code', case when $3 then 'geometry_needed' else 'ref_unknown' end)
    where r.stage = $1 and r.problems is null and r.verdict is null and not ($3 and coalesce(r.patch ? 'geometry', false))
      and not exists (select 1 from overlays o where o.version_id = $2 and o.ref = r.ref)
    `,
    [stage, draft.version_id, draft.create],
  );
}

export async function countRejected(db: Db, stage: string): Promise<number> {
  const row = await queryOne<{ count: number }>(
    db,
    `select count(*)::int as count from import_rows where stage = $1 and (problems is not null or verdict is not null)`,
    [stage],
  );
  return row?.count ?? 0;
}

export interface RejectedRow {
  number: number;
  line: number;
  ref: string | null;
  problems: RowProblem[] | null;
  /** `line`: of the row that has the same ref. */
  verdict: { code: RowProblem["code"]; line?: number } | null;
}

/** At most `limit` behind the row `after`, in their order. */
export async function rejectedPage(
  db: Db,
  stage: string,
  { after, limit }: { after: number; limit: number },
): Promise<RejectedRow[]> {
  return query<RejectedRow>(
    db,
    `
    select number, line, ref, problems, verdict from import_rows
    where stage = $1 and number > $2 and (problems is not null or verdict is not null)
    order by number limit $3
    `,
    [stage, after, limit],
  );
}

export interface Applied {
  /** Rows that could be used. */
  used: number;
  /** Overlays. */
  changed: number;
  created: number;
}

/**
 * Rows behind `after` up to `last` into the overlays of the draft. Call inside `editDraft`. `create`: type of the overlays that are made, or
 * null for none. Text of the release is derived anew by the next publish; the verdict on a geometry stays that is not touched.
 */
export async function applyRows(
  tx: Db,
  stage: string,
  part: { version_id: string; tenant_id: string; create: string | null; after: number; last: number },
): Promise<Applied> {
  const row = await queryOne<Applied>(
    tx,
    `
    with usable as (
      select number, ref, coalesce(label, '{}') as label, coalesce(properties, '{}') as properties, coalesce(patch, '{}') as patch
      from import_rows
      where stage = $1 and number > $5 and number <= $6 and problems is null and verdict is null
    ), changed as (
      update overlays o set label = o.label || u.label, properties = o.properties || u.properties,
        type = coalesce(u.patch ->> 'type', o.type), layer = coalesce(u.patch ->> 'layer', o.layer),
        visible = coalesce((u.patch ->> 'visible')::boolean, o.visible), style = coalesce(u.patch -> 'style', o.style),
        geometry = coalesce(u.patch -> 'geometry', o.geometry), release_text = null, formatted = 0,
        checked = case when u.patch ? 'geometry' then 0 else o.checked end,
        geometry_problem = case when u.patch ? 'geometry' then null else o.geometry_problem end
      from usable u
      where o.version_id = $2 and o.ref = u.ref and not (
        o.label @> u.label and o.properties || u.properties = o.properties
        and coalesce(u.patch ->> 'type', o.type) = o.type
        and coalesce(u.patch ->> 'layer', o.layer) is not distinct from o.layer
        and coalesce((u.patch ->> 'visible')::boolean, o.visible) = o.visible
        and coalesce(u.patch -> 'style', o.style) is not distinct from o.style
        and coalesce(u.patch -> 'geometry', o.geometry) = o.geometry)
      returning 1
    ), created as (
      insert into overlays (version_id, tenant_id, sort_order, ref, type, layer, label, geometry, properties, style, visible)
      select $2, $3, (select coalesce(max(sort_order), 0) from overlays where version_id = $2) + row_number() over (order by u.number),
        u.ref, coalesce(u.patch ->> 'type', $4), u.patch ->> 'layer', u.label, u.patch -> 'geometry', u.properties,
        u.patch -> 'style', coalesce((u.patch ->> 'visible')::boolean, true)
      from usable u
      where $4::text is not null and not exists (select 1 from overlays o where o.version_id = $2 and o.ref = u.ref)
      returning 1
    )
    select (select count(*) from usable)::int as used, (select count(*) from changed)::int as changed,
      (select count(*) from created)::int as created
    `,
    [stage, part.version_id, part.tenant_id, part.create, part.after, part.last],
  );
  return row ?? { used: 0, changed: 0, created: 0 };
}

/** Once they are not needed any more. */
export async function deleteStage(db: Db, stage: string): Promise<void> {
  await query(db, `delete from import_rows where stage = $1`, [stage]);
}

/** Rows of the tenant whose job has ended a day ago, or is gone: what dead workers and failed jobs left. Answers how many there were. */
export async function sweepRows(
  db: Db,
  { tenant_id, dry_run }: { tenant_id: string; dry_run: boolean },
): Promise<number> {
  const left = `
    tenant_id = $1 and job_id not in (select id from jobs where status in ('queued', 'running') or completed_at > now() - interval '1 day')`;
  const row = await queryOne<{ count: number }>(
    db,
    dry_run
      ? `select count(*)::int as count from import_rows where ${left}`
      : `with gone as (delete from import_rows where ${left} returning 1) select count(*)::int as count from gone`,
    [tenant_id],
  );
  return row?.count ?? 0;
}
