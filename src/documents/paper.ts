/** What pages of paper and slides can take, and what is said of the rest. */
import type { ResolvedDocument, ResolvedTable } from "./resolved-document.ts";
import { rowCount } from "./resolved-document.ts";

/** Millimetres, upright. */
export const PAGE_SIZES = { A4: [210, 297], A3: [297, 420], Letter: [215.9, 279.4] } as const;

export const MARGIN_MM = 20;

/** Millimetres between the margins. */
export function textWidth({ page }: Pick<ResolvedDocument, "page">): number {
  const [short, long] = PAGE_SIZES[page.size];
  return (page.orientation === "landscape" ? long : short) - 2 * MARGIN_MM;
}

/** Millimetres between the margins, less what a heading and a caption take. */
export function textHeight({ page }: Pick<ResolvedDocument, "page">): number {
  const [short, long] = PAGE_SIZES[page.size];
  return (page.orientation === "landscape" ? short : long) - 2 * MARGIN_MM - 25;
}

/** How many rows each table shows, and a sentence for those that show less than they have. `most`: rows of all tables together. */
export function shareRows(tables: readonly ResolvedTable[], most: number): { shown: number[]; left_out: string[] } {
  let left = most;
  const left_out: string[] = [];
  const shown = tables.map((table) => {
    const count = rowCount(table);
    const taken = Math.min(left, count);
    left -= taken;
    if (taken < count) left_out.push(`${count - taken} of ${count} rows${table.title ? ` of ${table.title}` : ""}`);
    return taken;
  });
  return { shown, left_out };
}

/** Told below a table that is cut. */
export const moreRows = (more: number): string => `… ${more} more (the spreadsheet has all)`;
