/** Rows of a sheet, as they are unpacked: the sheet is never in memory as a whole. */
import { shortened } from "../../../contract/printable.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { headerInvalid } from "../import-error.ts";
import { faulty, MAX_COLUMNS, MAX_TABLE_ROW, type RawRow, type RowReader } from "../raw-row.ts";
import { isNothing } from "../cell-value.ts";
import { openArchive, refused } from "./archive.ts";
import { readXml } from "./read-xml.ts";
import { readWorkbook, unescaped, type Workbook } from "./workbook.ts";

export interface XlsxFile {
  key: string;
  size: number;
  name: string;
  sheet: string | undefined;
}

/** Rows of a sheet, as far as workbooks count them. */
const MAX_ROWS = 1_048_576;
/** Characters of a sheet, shared texts each time they are referred to: a small file could otherwise fill the database with one of them. */
const MAX_SHEET = 4_294_967_296;
/** Characters of a number that is none, in what is told of it. */
const MAX_TOLD = 40;

/** Errors: `import_archive_refused`, `import_unreadable`, `import_header_invalid`, the store's. */
export async function readXlsx(store: ObjectStore, file: XlsxFile): Promise<RowReader> {
  const { name } = file;
  const archive = await openArchive(store, file);
  const workbook = await readWorkbook(archive, { name, wanted: file.sheet });
  const part = archive.open(workbook.sheet);
  if (!part) throw refused(name, `its sheet ${workbook.sheet} is missing`);
  let read = 0;
  const counted = async function* () {
    for await (const chunk of part.bytes) {
      read += chunk.byteLength;
      yield chunk;
    }
  };
  return { rows: readSheet(file, workbook, counted()), progress: () => read / Math.max(1, part.size) };
}

async function* readSheet(
  { name }: XlsxFile,
  workbook: Workbook,
  bytes: AsyncIterable<Buffer>,
): AsyncGenerator<RawRow[], void, undefined> {
  const sheet = createSheet(name, workbook);
  let names: readonly string[] | null = null;
  for await (const _ of readXml({ name, part: workbook.sheet }, bytes, sheet.handlers)) {
    const ready: RawRow[] = [];
    for (const { line, values, tooWide } of sheet.take()) {
      if (values.every(isNothing) && !tooWide) continue;
      if (names === null) {
        if (tooWide) throw headerInvalid(name, `it has more than ${MAX_COLUMNS} columns`);
        names = Array.from(values, (value) => String((value as string | number | boolean | undefined) ?? ""));
      } else if (tooWide) ready.push(faulty(line, `it has more than ${MAX_COLUMNS} columns`));
      else ready.push({ line, names, values });
    }
    if (ready.length > 0) yield ready;
  }
}

interface SheetRow {
  line: number;
  values: unknown[];
  tooWide: boolean;
}

function createSheet(name: string, workbook: Workbook) {
  let rows: SheetRow[] = [];
  /** Characters: of the row so far, and of the sheet. */
  const length = { row: 0, sheet: 0 };
  let row: SheetRow = { line: 0, values: [], tooWide: false };
  let cell = { column: -1, type: "", style: 0 };
  let text = "";
  let within = false;
  const count = (characters: number): void => {
    length.row += characters;
    length.sheet += characters;
    if (length.row > MAX_TABLE_ROW)
      throw refused(name, `row ${row.line} of ${workbook.sheet} has more than ${MAX_TABLE_ROW} characters`);
    if (length.sheet > MAX_SHEET) throw refused(name, `${workbook.sheet} has more than ${MAX_SHEET} characters`);
  };
  const lineOf = (said: string | undefined): number => {
    const line = said === undefined ? row.line + 1 : /^\d+$/.test(said) ? Number(said) : 0;
    if (line >= 1 && line <= MAX_ROWS) return line;
    const what = JSON.stringify(shortened(said ?? String(line), MAX_TOLD));
    throw refused(name, `a row of ${workbook.sheet} is numbered ${what}; numbers are whole, from 1 to ${MAX_ROWS}`);
  };
  return {
    take(): SheetRow[] {
      const taken = rows;
      rows = [];
      return taken;
    },
    handlers: {
      open(tag: string, attributes: Record<string, string>) {
        if (tag === "row") {
          row = { line: lineOf(attributes["r"]), values: [], tooWide: false };
          length.row = 0;
          cell.column = -1;
        } else if (tag === "c") {
          const column = attributes["r"] === undefined ? cell.column + 1 : columnOf(attributes["r"]);
          cell = { column, type: attributes["t"] ?? "n", style: Number(attributes["s"] ?? 0) };
          text = "";
        } else if (tag === "v" || tag === "t") within = true;
        // The reading of Japanese characters stands beside them.
        else if (tag === "rPh") within = false;
      },
      close(tag: string) {
        if (tag === "v" || tag === "t") within = false;
        else if (tag === "c") {
          if (cell.column >= MAX_COLUMNS) row.tooWide ||= text !== "";
          else if (text !== "") {
            const value = valueOf(cell, text, workbook);
            // Of a shared text the sheet has only the number.
            if (typeof value === "string" && value.length > text.length) count(value.length - text.length);
            row.values[cell.column] = value;
          }
        } else if (tag === "row") rows.push(row);
      },
      text(part: string) {
        if (!within) return;
        count(part.length);
        text += part;
      },
    },
  };
}

/** `B3` → 1 */
function columnOf(reference: string): number {
  let column = 0;
  for (const letter of reference) {
    const digit = letter.charCodeAt(0) - 64;
    if (digit < 1 || digit > 26) break;
    column = column * 26 + digit;
  }
  return column - 1;
}

function valueOf({ type, style }: { type: string; style: number }, text: string, workbook: Workbook): unknown {
  if (type === "s") return workbook.sharedTexts[Number(text)] ?? "";
  if (type === "inlineStr" || type === "str") return unescaped(text);
  if (type === "b") return text === "1" || text === "true";
  // An error such as #N/A, and a date in ISO 8601.
  if (type === "e" || type === "d") return text;
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  return workbook.isDate[style] ? (dateOf(number, workbook.from1904) ?? number) : number;
}

const DAY_MS = 86_400_000;
/** Days from the epoch of workbooks to that of JavaScript; workbooks count a 29 February 1900 that there was not. */
const EPOCH_DAYS = 25_569;
const LEAP_BUG_DAYS = 60;
const DAYS_TO_1904 = 1_462;

/** ISO 8601, without a time where it is midnight; null for what is no day that calendars have. */
function dateOf(serial: number, from1904: boolean): string | null {
  const days = from1904 ? serial + DAYS_TO_1904 : serial < LEAP_BUG_DAYS ? serial + 1 : serial;
  const date = new Date(Math.round((days - EPOCH_DAYS) * DAY_MS));
  if (serial < 0 || Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9_999) return null;
  const text = date.toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, 10) : text.slice(0, 19);
}
