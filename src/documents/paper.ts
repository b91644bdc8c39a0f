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

/** Characters of a cell that count for the width of its column. */
const WIDEST = 60;

/** Shares of `total` by the longest text of each column; none below half of what an equal share would be. */
export function shareWidth(total: number, texts: readonly (readonly string[])[]): number[] {
  const count = texts[0]?.length ?? 1;
  const longest = Array.from({ length: count }, () => 4);
  for (const row of texts)
    for (const [index, text] of row.entries())
      longest[index] = Math.max(longest[index]!, Math.min(WIDEST, text.length));
  const sum = longest.reduce((all, each) => all + each, 0);
  const least = total / count / 2;
  const wanted = longest.map((each) => Math.max(least, (each / sum) * total));
  const all = wanted.reduce((more, each) => more + each, 0);
  return wanted.map((each) => (each / all) * total);
}
