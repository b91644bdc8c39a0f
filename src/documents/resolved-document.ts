/** A document as its writers take it: everything looked up, every picture a file, every date understood. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type {
  Cell,
  Column,
  DocumentSpecification,
  Heading,
  List,
  PageBreak,
  Paragraph,
} from "../../contract/document-specification.ts";
import { momentOf } from "./moments.ts";

export interface ResolvedTable {
  type: "table";
  title?: string;
  columns: Column[];
  /** Here, or one JSON array per line in a file: rows that come from the database are never in memory all at once. */
  rows: Cell[][] | { file: string; count: number };
}

export interface ResolvedPicture {
  type: "picture";
  /** PNG or JPEG, by its media type. */
  file: string;
  media: "png" | "jpeg";
  /** Pixels. */
  width_px: number;
  height_px: number;
  caption?: string;
  /** Millimetres. */
  width?: number;
}

export type ResolvedBlock = Heading | Paragraph | List | PageBreak | ResolvedTable | ResolvedPicture;

export interface ResolvedDocument {
  title: string;
  language: string;
  direction: "ltr" | "rtl";
  time_zone: string;
  page: { size: "A4" | "A3" | "Letter"; orientation: "portrait" | "landscape" };
  /** ISO 8601: the job's, so that the same job made again gives the same bytes. */
  created_at: string;
  blocks: ResolvedBlock[];
}

/** Scripts that are written from right to left; the languages that are written in them unless they say otherwise. */
const RTL_SCRIPTS = /^(Arab|Hebr|Syrc|Thaa|Nkoo|Adlm|Mand|Rohg)$/;

/** As its specification says, else as its language is written. */
export function directionOf({ direction, language = "en" }: DocumentSpecification): "ltr" | "rtl" {
  if (direction) return direction;
  try {
    return RTL_SCRIPTS.test(new Intl.Locale(language).maximize().script ?? "") ? "rtl" : "ltr";
  } catch {
    return "ltr";
  }
}

export const rowCount = ({ rows }: ResolvedTable): number => (Array.isArray(rows) ? rows.length : rows.count);

/** In their order; `limit`: at most so many. */
export async function* rowsOf({ rows }: ResolvedTable, limit = Infinity): AsyncGenerator<Cell[], void, undefined> {
  let left = limit;
  if (Array.isArray(rows)) {
    for (const row of rows) {
      if (left-- <= 0) return;
      yield row;
    }
    return;
  }
  const input = createReadStream(rows.file);
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (left-- <= 0) break;
    yield JSON.parse(line) as Cell[];
  }
  input.destroy();
}

/** The header, which names the time zone where times are below it. */
export const headerOf = ({ header, type }: Column, { time_zone }: Pick<ResolvedDocument, "time_zone">): string =>
  type === "datetime" ? `${header} (${time_zone})` : header;

/** A cell as people read it, where there are no formulas and no formats. */
export function shownCell(
  cell: Cell | undefined,
  column: Column,
  document: Pick<ResolvedDocument, "language" | "time_zone" | "direction">,
): { text: string; link?: string; numeric: boolean } {
  if (cell === undefined || cell === null) return { text: "", numeric: false };
  if (typeof cell === "object") {
    if ("formula" in cell) {
      const { value, formula } = cell;
      return value === undefined ? { text: `=${formula}`, numeric: false } : shownCell(value, column, document);
    }
    if ("link" in cell) return { text: cell.text, link: cell.link, numeric: false };
    return { text: shownMoment(cell.date, column, document), numeric: false };
  }
  if (typeof cell === "boolean") return { text: cell ? "yes" : "no", numeric: false };
  if (typeof cell === "number") return { text: numberText(cell, column, document.language), numeric: true };
  const isDay = column.type === "date" || column.type === "datetime";
  return { text: isDay && cell !== "" ? shownMoment(cell, column, document) : cell, numeric: false };
}

/** In text from right to left, day and time would change places without the mark in front. */
function shownMoment(
  text: string,
  { type }: Column,
  { time_zone, direction }: Pick<ResolvedDocument, "time_zone" | "direction">,
): string {
  const withTime = type === "datetime" || (type !== "date" && text.includes("T"));
  const shown = momentOf(text, time_zone, withTime)?.text ?? text;
  return direction === "rtl" ? `\u200e${shown}` : shown;
}

function numberText(value: number, { type, format }: Column, language: string): string {
  const decimals = /[.](0+)/.exec(format ?? "")?.[1]?.length;
  const options: Intl.NumberFormatOptions = {
    style: type === "percent" || format?.includes("%") ? "percent" : "decimal",
    maximumFractionDigits: decimals ?? (type === "integer" ? 0 : type === "percent" ? 1 : 10),
    minimumFractionDigits: decimals ?? 0,
    // Digits as everywhere else in the document: in its tables Latin and Arabic ones would mix.
    numberingSystem: "latn",
    useGrouping: format === undefined ? type === "integer" : format.includes(","),
  };
  return new Intl.NumberFormat(language, options).format(value);
}
