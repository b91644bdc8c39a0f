/** Overlays of a draft by their refs. All but reads are called inside `editDraft`. */
import { query, queryOne, type Db } from "../db.ts";
import type { StoredOverlay } from "./overlay-store.ts";

/** Those of `refs` that the version has; of several with one ref the first. */
export async function overlaysByRef(db: Db, version_id: string, refs: readonly string[]): Promise<StoredOverlay[]> {
  return query<StoredOverlay>(
    db,
    `
    select distinct on (ref) sort_order, ref, type, layer, label, geometry, properties, style, visible
    from overlays where version_id = $1 and ref = any ($2::text[])
    order by ref, sort_order
    `,
    [version_id, refs],
  );
}

/** The last position that has an overlay, or null. */
export async function lastPosition(db: Db, version_id: string): Promise<number | null> {
  const row = await queryOne<{ last: number | null }>(
    db,
    `select max(sort_order) as last from overlays where version_id = $1`,
    [version_id],
  );
  return row?.last ?? null;
}

/** Refs by position, of the positions behind `after` up to `upto`, at most `limit`. */
export async function refPage(
  db: Db,
  version_id: string,
  { after, upto, limit }: { after: number; upto: number; limit: number },
): Promise<{ sort_order: number; ref: string }[]> {
  return query(
    db,
    `
    select sort_order, ref from overlays where version_id = $1 and sort_order > $2 and sort_order <= $3
    order by sort_order limit $4
    `,
    [version_id, after, upto, limit],
  );
}

/** Puts overlays in the place of others; `batch` is the JSON text of an array of what `overlayRow` makes, in the order of `positions`. */
export async function replaceOverlays(
  tx: Db,
  version_id: string,
  positions: readonly number[],
  batch: string,
): Promise<void> {
  await query(
    tx,
    `
    update overlays set ref = o.ref, type = o.type, layer = o.layer, label = o.label, geometry = o.geometry, properties = o.properties,
      style = o.style, visible = row.visible, release_text = case when row.formatted > 0 then row.overlay::text end,
      formatted = row.formatted, geometry_problem = row.geometry_problem, checked = row.checked
    from rows from (
        json_to_recordset($3::json)
          as (overlay json, visible boolean, formatted smallint, geometry_problem text, checked smallint)
      ) with ordinality as row(overlay, visible, formatted, geometry_problem, checked, ordinality),
      unnest($2::int[]) with ordinality as place(sort_order, ordinality),
      json_to_record(row.overlay) as o(ref text, type text, layer text, label jsonb, geometry jsonb, properties jsonb, style jsonb)
    where place.ordinality = row.ordinality and overlays.version_id = $1 and overlays.sort_order = place.sort_order
    `,
    [version_id, positions, batch],
  );
}

/**
 * From here to the end of the transaction no lock is waited for longer than this. Who holds a version and waits for a job may wait for one
 * who waits for the version: below PostgreSQL's own second for telling a deadlock, it is this side that gives way.
 */
export async function limitLockWait(tx: Db, ms: number): Promise<void> {
  await query(tx, `select set_config('lock_timeout', $1, true)`, [`${ms}ms`]);
}
