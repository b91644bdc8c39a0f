/** xlsx: each table a sheet, what stands around them the first. */
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { Workbook, WorkbookWriter, type CellValue, type Style } from "@cj-tech-master/excelts";
import type { Cell, Column } from "../../contract/document-specification.ts";
import { bareFormula } from "./formula.ts";
import { isSerialDay, momentOf } from "./moments.ts";
import {
  headerOf,
  rowCount,
  rowsOf,
  type ResolvedDocument,
  type ResolvedPicture,
  type ResolvedTable,
} from "./resolved-document.ts";
import { dateZip } from "./date-zip.ts";

/** From then on rows are written as they come, in flat memory (100,000 rows: 130 MB instead of 900); pictures cannot be then. */
const STREAM_FROM_CELLS = 200_000;
const FORMATS: Record<NonNullable<Column["type"]>, string> = {
  text: "@",
  number: "General",
  integer: "#,##0",
  percent: "0.0%",
  date: "yyyy-mm-dd",
  datetime: "yyyy-mm-dd hh:mm",
  boolean: "General",
};
const WIDEST = 60;
const HEADER_FILL = { type: "pattern", pattern: "solid", fgColor: { argb: "FFE8EEF4" } } as const;
/** Rows that are looked at to find how wide a column is. */
const MEASURED_ROWS = 200;

/** Both kinds of workbook, as far as they are used here. */
type Sheet = ReturnType<Workbook["addWorksheet"]>;

/** Answers what is not in it. */
export async function writeSpreadsheet(document: ResolvedDocument, output: string): Promise<string[]> {
  const tables = document.blocks.filter((block) => block.type === "table");
  const streamed = tables.reduce((sum, table) => sum + rowCount(table) * table.columns.length, 0) > STREAM_FROM_CELLS;
  const leftOut: string[] = [];
  const about = { creator: "Platen", created: new Date(document.created_at), modified: new Date(document.created_at) };
  const stream = streamed ? createWriteStream(output) : null;
  const writer = stream ? new WorkbookWriter({ stream, useStyles: true, useSharedStrings: false }) : null;
  const workbook = (writer ?? new Workbook()) as Workbook;
  Object.assign(workbook, about);
  const names = sheetNames();
  const settings = (frozen: boolean) => ({
    views: [{ rightToLeft: document.direction === "rtl", showGridLines: frozen, ...(frozen ? FROZEN : {}) }] as never,
    pageSetup: {
      orientation: document.page.orientation,
      paperSize: ({ A4: 9, A3: 8, Letter: 1 } as const)[document.page.size] as never,
      fitToPage: true,
      fitToWidth: 1,
      fitToHeight: 0,
    },
  });
  if (document.blocks.some(({ type }) => type !== "table" && type !== "page_break") || tables.length === 0) {
    const sheet = workbook.addWorksheet(names(document.title), settings(false));
    const pictures = await writeText(document, sheet, workbook, streamed);
    if (pictures > 0)
      leftOut.push(`${pictures} picture(s): a spreadsheet of more than ${STREAM_FROM_CELLS} cells has none`);
    if (writer) await (sheet as unknown as { commit(): Promise<void> | void }).commit();
  }
  for (const [index, table] of tables.entries()) {
    const sheet = workbook.addWorksheet(names(table.title ?? `Table ${index + 1}`), settings(true));
    await writeTable(document, table, sheet, writer !== null);
    if (writer) await (sheet as unknown as { commit(): Promise<void> | void }).commit();
  }
  if (writer) await writer.commit();
  else await writeFile(output, await workbook.xlsx.writeBuffer());
  await dateZip(output, document.created_at);
  return leftOut;
}

const FROZEN = { state: "frozen", ySplit: 1 };

/** Names of sheets: at most 31 characters, none that spreadsheets forbid, each once whatever its case. */
function sheetNames(): (wanted: string) => string {
  const taken = new Set<string>(["history"]);
  return (wanted) => {
    const bare =
      cut(
        wanted
          .replaceAll(/[\\/*?:[\]\n\t]+/g, " ")
          .replaceAll(/^'+|'+$/g, "")
          .trim(),
        31,
      ) || "Sheet";
    let name = bare;
    for (let number = 2; taken.has(name.toLowerCase()); number += 1)
      name = `${cut(bare, 31 - ` ${number}`.length)} ${number}`;
    taken.add(name.toLowerCase());
    return name;
  };
}

/** UTF-16 units, as spreadsheets count, without half a character at the end. */
const cut = (text: string, units: number): string =>
  text
    .slice(0, units)
    .replace(/[\ud800-\udbff]$/, "")
    .trim();

/** Headings, paragraphs, lists and pictures, from the top. Answers how many pictures were left out. */
async function writeText(
  document: ResolvedDocument,
  sheet: Sheet,
  workbook: Workbook,
  streamed: boolean,
): Promise<number> {
  const reading = document.direction === "rtl" ? ("rtl" as const) : ("ltr" as const);
  sheet.columns = [{ width: TEXT_WIDTH }];
  let leftOut = 0;
  const write = (
    text: string,
    font: { size?: number | undefined; [more: string]: unknown } = {},
    more: object = {},
  ): void => {
    const row = sheet.addRow([text]);
    const cell = row.getCell(1);
    cell.font = { name: "Arial", ...font, size: font.size ?? 11 };
    cell.alignment = { wrapText: true, vertical: "top", readingOrder: reading, ...more };
    // Spreadsheets find the height of wrapped text by themselves only where nobody has set one, and not all of them.
    row.height = Math.min(400, linesOf(text) * (font.size ?? 11) * 1.45);
    if (streamed) row.commit();
  };
  for (const block of document.blocks) {
    if (block.type === "heading") write(block.text, { bold: true, size: [18, 14, 12][(block.level ?? 1) - 1] });
    if (block.type === "paragraph")
      write(
        block.text,
        { bold: block.bold ?? false },
        block.direction
          ? { readingOrder: block.direction, horizontal: block.direction === "rtl" ? "right" : "left" }
          : {},
      );
    if (block.type === "list")
      for (const [index, item] of block.items.entries())
        write(`${block.ordered ? `${index + 1}.` : "•"} ${item}`, {}, { indent: 1 });
    if (block.type !== "picture") continue;
    if (streamed) leftOut += 1;
    else await writePicture(block, sheet, workbook);
    if (block.caption) write(block.caption, { italic: true, color: { argb: "FF555555" } });
  }
  return leftOut;
}

/** Characters of the sheet that holds text: as wide as a page of A4. */
const TEXT_WIDTH = 80;

const linesOf = (text: string): number =>
  text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / (TEXT_WIDTH * 0.9))), 0);

/** A row of the spreadsheet is 20 pixels high. */
const ROW_PX = 20;
const MAX_WIDTH_PX = 580;

async function writePicture(picture: ResolvedPicture, sheet: Sheet, workbook: Workbook): Promise<void> {
  const width = Math.min(MAX_WIDTH_PX, picture.width ? (picture.width / 25.4) * 96 : MAX_WIDTH_PX, picture.width_px);
  const height = (width * picture.height_px) / picture.width_px;
  const id = workbook.addImage({ buffer: await readFile(picture.file), extension: picture.media });
  const row = sheet.rowCount;
  sheet.addImage(id, { tl: { col: 0, row: row + 0.2 } as never, ext: { width, height } });
  for (let each = 0; each < Math.ceil(height / ROW_PX) + 1; each += 1) sheet.addRow([""]).height = ROW_PX * 0.75;
}

async function writeTable(
  document: ResolvedDocument,
  table: ResolvedTable,
  sheet: Sheet,
  streamed: boolean,
): Promise<void> {
  const rtl = document.direction === "rtl";
  const formats = table.columns.map(({ format, type = "text" }) => format ?? FORMATS[type]);
  const widths = await widthsOf(document, table);
  sheet.columns = table.columns.map((_, index) => ({ width: widths[index]! }));
  const header = sheet.addRow(table.columns.map((column) => headerOf(column, document)));
  header.eachCell((cell) => {
    cell.font = { name: "Arial", size: 11, bold: true };
    cell.fill = HEADER_FILL;
    cell.alignment = { wrapText: true, vertical: "middle", readingOrder: rtl ? "rtl" : "ltr" };
    cell.border = { bottom: { style: "thin", color: { argb: "FF8AA0B4" } } };
  });
  if (streamed) header.commit();
  const count = rowCount(table);
  // Of plain tables only: Excel refuses a filter over nothing.
  if (count > 0) sheet.autoFilter = { from: { row: 1, col: 1 }, to: { row: count + 1, col: table.columns.length } };
  const styleOf = createStyles(rtl);
  let written = 0;
  for await (const cells of rowsOf(table)) {
    const row = sheet.addRow([]);
    for (const [index, cell] of cells.entries()) {
      const value = valueOf(cell, table.columns[index]!, document);
      if (value === null) continue;
      const target = row.getCell(index + 1);
      const isAmongTexts = (table.columns[index]!.type ?? "text") === "text";
      target.style = styleOf(value.format ?? formats[index]!, value.link ?? false, value.value, isAmongTexts);
      target.value = value.value;
    }
    if (!streamed) continue;
    row.commit();
    written += 1;
    // Lets what was written go out: without it, all rows wait in memory for the end.
    if (written % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

const FONT = { name: "Arial", size: 11 };
const LINK_FONT = { ...FONT, color: { argb: "FF1155CC" }, underline: true } as const;

/** One object per style: the library takes three times as long where it must find out by itself that two are equal. */
function createStyles(
  rtl: boolean,
): (format: string, link: boolean, value: CellValue, isAmongTexts: boolean) => Partial<Style> {
  const made = new Map<string, Partial<Style>>();
  return (format, link, value, isAmongTexts) => {
    const wrapText = typeof value === "string" && value.includes("\n");
    const key = `${format} ${link} ${wrapText} ${isAmongTexts}`;
    const known = made.get(key);
    if (known) return known;
    const alignment = {
      ...{ vertical: "top" as const, wrapText },
      // Numbers and dates in a column of texts begin where the texts do.
      ...(isAmongTexts ? { horizontal: rtl ? ("right" as const) : ("left" as const) } : {}),
      ...(rtl ? { readingOrder: "rtl" as const } : {}),
    };
    const style = { font: link ? LINK_FONT : FONT, alignment, ...(format === "General" ? {} : { numFmt: format }) };
    made.set(key, style);
    return style;
  };
}

/** The cell as a spreadsheet holds it; a text is one whatever it begins with, for only `formula` makes a formula. */
function valueOf(
  cell: Cell | undefined,
  { type = "text" }: Column,
  { time_zone }: ResolvedDocument,
): { value: CellValue; format?: string; link?: boolean } | null {
  if (cell === null || cell === undefined || cell === "") return null;
  // Among texts a number would be shown as one of them by the column's format, and not be summed.
  if (typeof cell === "number" || typeof cell === "boolean")
    return { value: cell as never, ...(type === "text" ? { format: "General" } : {}) };
  if (typeof cell === "string")
    return type === "date" || type === "datetime" ? day(cell, time_zone, type) : { value: cell as never };
  if ("formula" in cell) {
    const { formula, value } = cell;
    const made = { formula: bareFormula(formula), ...(value === undefined ? {} : { result: value }) };
    // In a column of texts it would stay one, and not be reckoned.
    return { value: made as never, ...(type === "text" ? { format: "General" } : {}) };
  }
  if ("link" in cell) return { value: { text: cell.text, hyperlink: cell.link } as never, link: true };
  return day(cell.date, time_zone, type === "date" || !cell.date.includes("T") ? "date" : "datetime");
}

function day(text: string, zone: string, type: "date" | "datetime"): { value: CellValue; format: string } {
  const moment = momentOf(text, zone, type === "datetime");
  if (!moment || !isSerialDay(moment.local)) return { value: (moment?.text ?? text) as never, format: FORMATS.text };
  return { value: new Date(moment.local) as never, format: FORMATS[type] };
}

async function widthsOf(document: ResolvedDocument, table: ResolvedTable): Promise<number[]> {
  const widest = table.columns.map((column) => headerOf(column, document).length);
  for await (const cells of rowsOf(table, MEASURED_ROWS)) {
    for (const [index, cell] of cells.entries()) widest[index] = Math.max(widest[index]!, lengthOf(cell));
  }
  return table.columns.map(({ width }, index) => width ?? Math.min(WIDEST, Math.max(8, widest[index]! * 1.1 + 3)));
}

function lengthOf(cell: Cell | undefined): number {
  if (typeof cell === "string") return Math.max(...cell.split("\n").map((line) => line.length));
  if (typeof cell === "number") return Math.min(16, String(cell).length + 2);
  if (typeof cell !== "object" || cell === null) return 5;
  return "link" in cell ? cell.text.length : 14;
}
