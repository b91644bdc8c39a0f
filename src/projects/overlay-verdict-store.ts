/** What a validation asks of a version's overlays: how many are wrong, which, and which nobody has looked at yet. */
import { query, queryOne, type Db } from "../db.ts";
import { RULES } from "./derive-overlay.ts";

export interface OverlaySurvey {
  overlays: number;
  visible: number;
  /** Whose geometry has no verdict by the present rules. */
  open: number;
  /** Whose geometry has a problem. */
  wrong: number;
  /** Whose layer the version does not have. */
  astray: number;
  /** Different refs, told apart by a hash: as many as overlays means that none is used twice, fewer that some may be. */
  refs: number;
}

/**
 * One scan, about 1 µs an overlay; grouping by ref would be a second one, as expensive. `layers`: refs of the version's layers.
 */
export async function surveyOverlays(db: Db, version_id: string, layers: readonly string[]): Promise<OverlaySurvey> {
  // Overlays without a layer are left out by name: even null is unequal to all of no refs.
  const row = await queryOne<OverlaySurvey>(
    db,
    `
    select count(*)::int as overlays,
      (count(*) filter (where visible))::int as visible,
      (count(*) filter (where checked <> $3))::int as open,
      (count(*) filter (where checked = $3 and geometry_problem is not null))::int as wrong,
      (count(*) filter (where layer is not null and layer <> all ($2::text[])))::int as astray,
      count(distinct hashtextextended(ref, 0))::int as refs
    from overlays where version_id = $1
    `,
    [version_id, layers, RULES.checked],
  );
  return row ?? { overlays: 0, visible: 0, open: 0, wrong: 0, astray: 0, refs: 0 };
}

export interface FaultyOverlay {
  sort_order: number;
  ref: string;
  geometry_problem: string | null;
  /** That the version does not have. */
  layer: string | null;
}

/** The first `limit` overlays, in their order, with a known problem of their geometry or a layer that is not there. */
export async function faultyOverlays(
  db: Db,
  version_id: string,
  options: { layers: readonly string[]; limit: number },
): Promise<FaultyOverlay[]> {
  return query(
    db,
    `
    select sort_order, ref, case when checked = $3 then geometry_problem end as geometry_problem,
      case when layer <> all ($2::text[]) then layer end as layer
    from overlays
    where version_id = $1 and ((checked = $3 and geometry_problem is not null) or (layer is not null and layer <> all ($2::text[])))
    order by sort_order limit $4
    `,
    [version_id, options.layers, RULES.checked, options.limit],
  );
}

export interface OpenOverlay {
  sort_order: number;
  ref: string;
  /** JSON text. */
  geometry: string;
  /** Names this very content: a row that was changed or replaced since has another. */
  row_version: string;
}

/**
 * Overlays on the `span` positions behind `after` whose geometry has no verdict, in their order: at most `rows`, and no more than
 * take `bytes` in the table, but one at least. Compressed they take less there than as text, commonly half.
 */
export async function openOverlays(
  db: Db,
  version_id: string,
  options: { after: number; span: number; rows: number; bytes: number },
): Promise<OpenOverlay[]> {
  return query(
    db,
    `
    select sort_order, ref, geometry::text as geometry, row_version
    from (
      select *, sum(pg_column_size(geometry)) over (order by sort_order rows unbounded preceding) - pg_column_size(geometry) as before
      from (
        select sort_order, ref, geometry, xmin::text as row_version from overlays
        where version_id = $1 and sort_order > $2::bigint and sort_order <= $2::bigint + $6::bigint and checked <> $3
        order by sort_order limit $4
      ) rows
    ) page
    where before < $5
    order by sort_order
    `,
    [version_id, options.after, RULES.checked, options.rows, options.bytes, options.span],
  );
}

/**
 * Writes verdicts down where they still hold. Not an edit: the content and the revision stay. Takes the version's row before its
 * overlays, as edits do, and gives way to an edit under way, whose overlays will be others anyway.
 */
export async function keepVerdicts(
  db: Db,
  version_id: string,
  verdicts: readonly { sort_order: number; row_version: string; problem: string | null }[],
): Promise<void> {
  await query(
    db,
    `
    with version as (select id from versions where id = $1 for no key update skip locked)
    update overlays o set checked = $2, geometry_problem = verdict.problem
    from version, jsonb_to_recordset($3::jsonb) as verdict(sort_order int, row_version text, problem text)
    where o.version_id = version.id and o.sort_order = verdict.sort_order and o.xmin::text = verdict.row_version
      and o.checked < $2
    `,
    [version_id, RULES.checked, JSON.stringify(verdicts)],
  );
}
