/** Overlays of a version: shapes with labels, in the order of their collection. */
import { query, queryOne, type Db } from "../db.ts";

/** Text by language tag, e.g. `{en: "Harbour", ar: "الميناء"}`; `und` is a text whose language was not said. */
export type Label = Record<string, string>;

export interface Overlay {
  /** What clients know it by; unique in a version that can be published. */
  ref: string;
  type: string;
  /** Ref of a layer, or null. */
  layer: string | null;
  label: Label;
  /** A GeoJSON geometry by its shape; publishing checks that it is valid. */
  geometry: Record<string, unknown>;
  /** Every other property of the feature, as it came. */
  properties: Record<string, unknown>;
  style: Record<string, unknown> | null;
  visible: boolean;
}

/** `sort_order` is the position in the collection, from 1. */
export interface StoredOverlay extends Overlay {
  sort_order: number;
}

/** The overlays on the `rows` positions behind `after` (0 for the first page), and no more than `bytes` but one at least. */
export async function overlayPage(
  db: Db,
  version_id: string,
  options: { after: number; rows: number; bytes: number },
): Promise<StoredOverlay[]> {
  // The length of its text is told without reading it; what has none counts as it is stored.
  return query<StoredOverlay>(
    db,
    `
    select sort_order, ref, type, layer, label, geometry, properties, style, visible
    from (
      select *, sum(size) over (order by sort_order rows unbounded preceding) - size as before
      from (
        select *, coalesce(octet_length(release_text),
          pg_column_size(label) + pg_column_size(geometry) + pg_column_size(properties)) as size
        from overlays where version_id = $1 and sort_order > $2::bigint and sort_order <= $2::bigint + $3::bigint
      ) rows
    ) page
    where before < $4
    order by sort_order
    `,
    [version_id, options.after, options.rows, options.bytes],
  );
}

export async function countOverlays(db: Db, version_id: string): Promise<{ overlays: number; visible: number }> {
  const row = await queryOne<{ overlays: number; visible: number }>(
    db,
    `select count(*)::int as overlays, (count(*) filter (where visible))::int as visible from overlays where version_id = $1`,
    [version_id],
  );
  return row ?? { overlays: 0, visible: 0 };
}

/**
 * The position behind `after` that has an overlay, or null. Pages that are cut by positions and not by `limit` need it where they
 * find nothing: right after an import, PostgreSQL has no statistics yet, and would sort all that is behind a page for its limit.
 */
export async function nextPosition(db: Db, version_id: string, after: number): Promise<number | null> {
  const row = await queryOne<{ next: number | null }>(
    db,
    `select min(sort_order) as next from overlays where version_id = $1 and sort_order > $2::bigint`,
    [version_id, after],
  );
  return row?.next ?? null;
}

/** Does not read on behind the first. */
export async function hasVisibleOverlay(db: Db, version_id: string): Promise<boolean> {
  return (
    (await queryOne(db, `select 1 from overlays where version_id = $1 and visible limit 1`, [version_id])) !== null
  );
}

/** Call inside `editDraft`. */
export async function deleteOverlays(tx: Db, version_id: string): Promise<void> {
  await query(tx, `delete from overlays where version_id = $1`, [version_id]);
}

/** What a row holds beside its owner, derived columns included: they are as true of a copy. */
export const OVERLAY_COLUMNS = `
  sort_order, ref, type, layer, label, geometry, properties, style, visible, release_text, formatted, geometry_problem, checked`;

/**
 * Appends a batch at positions `first`, `first` + 1, …; `batch` is the JSON text of an array of what `overlayRow` makes. The one way
 * in: what is derived from an overlay is written with it. Call inside `editDraft`.
 */
export async function insertOverlays(
  tx: Db,
  owner: { version_id: string; tenant_id: string },
  first: number,
  batch: string,
): Promise<void> {
  // One JSON parameter for the whole batch: PostgreSQL takes at most 65,535 parameters, and one array per column costs the same.
  // A member of type `json` keeps its text to the byte, so the text of the release need not be sent beside the columns.
  await query(
    tx,
    `
    insert into overlays (version_id, tenant_id, ${OVERLAY_COLUMNS})
    select $1, $2, $3::int + (row.ordinality - 1)::int, o.ref, o.type, o.layer, o.label, o.geometry, o.properties, o.style,
      row.visible, case when row.formatted > 0 then row.overlay::text end, row.formatted, row.geometry_problem, row.checked
    from rows from (
        json_to_recordset($4::json)
          as (overlay json, visible boolean, formatted smallint, geometry_problem text, checked smallint)
      ) with ordinality as row(overlay, visible, formatted, geometry_problem, checked, ordinality),
      json_to_record(row.overlay) as o(ref text, type text, layer text, label jsonb, geometry jsonb, properties jsonb, style jsonb)
    `,
    [owner.version_id, owner.tenant_id, first, batch],
  );
}

/** Refs that several overlays of the version share, most frequent first, at most `limit`. */
export async function duplicateRefs(
  db: Db,
  version_id: string,
  limit: number,
): Promise<{ ref: string; count: number }[]> {
  return query(
    db,
    `
    select ref, count(*)::int as count from overlays
    where version_id = $1
    group by ref having count(*) > 1
    order by count(*) desc, ref limit $2
    `,
    [version_id, limit],
  );
}
