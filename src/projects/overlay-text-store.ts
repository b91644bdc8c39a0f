/** The texts of a version's visible overlays for `release.json`, in their order. */
import { query, queryOne, type Db } from "../db.ts";
import { RULES } from "./derive-overlay.ts";
import type { StoredOverlay } from "./overlay-store.ts";

export interface TextPage {
  /** Texts with commas between them; null when one of them has yet to be made. */
  text: string | null;
  /** Overlays of the page. */
  count: number;
  /** Sort order of the last one; null when there was none. */
  last: number | null;
}

/**
 * The visible overlays on the `rows` positions behind `after`, and no more than `bytes` but one at least. What has no text counts as
 * it is stored: commonly half as long as its text.
 */
export async function textPage(
  db: Db,
  version_id: string,
  options: { after: number; rows: number; bytes: number },
): Promise<TextPage> {
  const page = await queryOne<TextPage>(
    db,
    `
    select count(*)::int as count, max(sort_order) as last,
      case when bool_and(formatted = $3) then string_agg(release_text, ',' order by sort_order) end as text
    from (
      select sort_order, formatted, release_text, sum(bytes) over (order by sort_order rows unbounded preceding) - bytes as before
      from (
        select sort_order, formatted, release_text,
          case when formatted = $3 then octet_length(release_text)
            else pg_column_size(label) + pg_column_size(geometry) + pg_column_size(properties) end as bytes
        from overlays where version_id = $1 and sort_order > $2::bigint and sort_order <= $2::bigint + $4::bigint and visible
      ) rows
    ) page
    where before < $5
    `,
    [version_id, options.after, RULES.formatted, options.rows, options.bytes],
  );
  return page ?? { text: null, count: 0, last: null };
}

/** An overlay's text, or the overlay where it has none by the present rules. */
export type TextOrOverlay = { text: string } | ({ text: null } & StoredOverlay);

/** The visible overlays behind `after` up to `last`. */
export async function textsOrOverlays(
  db: Db,
  version_id: string,
  { after, last }: { after: number; last: number },
): Promise<TextOrOverlay[]> {
  return query<TextOrOverlay>(
    db,
    `
    select case when formatted = $4 then release_text end as text, sort_order, ref, type, layer, label, visible,
      case when formatted <> $4 then geometry end as geometry, case when formatted <> $4 then properties end as properties,
      case when formatted <> $4 then style end as style
    from overlays
    where version_id = $1 and sort_order > $2 and sort_order <= $3 and visible
    order by sort_order
    `,
    [version_id, after, last, RULES.formatted],
  );
}
