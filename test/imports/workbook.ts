/** Workbooks for tests: right ones, and ones that nobody would save. */
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

export type Cell = string | number | boolean | null | { date: number } | { inline: string } | { error: string };

/** Parts by name, in the place of those that `workbook` makes or beside them. */
export type Parts = Record<string, string | Buffer>;

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

export const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function columnName(at: number): string {
  return at < 26 ? String.fromCharCode(65 + at) : columnName(Math.floor(at / 26) - 1) + columnName(at % 26);
}

/** One sheet, whose texts are shared, with a style 1 that is a date. */
export async function workbook(rows: readonly Cell[][], parts: Parts = {}): Promise<Buffer> {
  const shared: string[] = [];
  const cell = (value: Cell, row: number, column: number): string => {
    const at = `r="${columnName(column)}${row + 1}"`;
    if (value === null) return "";
    if (typeof value === "number") return `<c ${at}><v>${value}</v></c>`;
    if (typeof value === "boolean") return `<c ${at} t="b"><v>${Number(value)}</v></c>`;
    if (typeof value === "string") return `<c ${at} t="s"><v>${shared.push(value) - 1}</v></c>`;
    if ("date" in value) return `<c ${at} s="1"><v>${value.date}</v></c>`;
    if ("error" in value) return `<c ${at} t="e"><v>${value.error}</v></c>`;
    return `<c ${at} t="inlineStr"><is><t>${escaped(value.inline)}</t></is></c>`;
  };
  const body = rows.map(
    (row, at) => `<row r="${at + 1}">${row.map((value, column) => cell(value, at, column)).join("")}</row>`,
  );
  return archive({
    "xl/workbook.xml": `${XML}<workbook xmlns="${MAIN}" xmlns:r="r"><sheets><sheet name="Hidden" sheetId="2" state="hidden" r:id="rId2"/><sheet name="Plots" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `${XML}<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Target="/xl/worksheets/sheet2.xml"/></Relationships>`,
    "xl/styles.xml": `${XML}<styleSheet xmlns="${MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy&quot; year &quot;mm"/></numFmts><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`,
    "xl/worksheets/sheet1.xml": `${XML}<worksheet xmlns="${MAIN}"><sheetData>${body.join("")}</sheetData></worksheet>`,
    "xl/worksheets/sheet2.xml": `${XML}<worksheet xmlns="${MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>ref</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>hidden-1</t></is></c></row></sheetData></worksheet>`,
    "xl/sharedStrings.xml": `${XML}<sst xmlns="${MAIN}">${shared.map((text) => `<si><t xml:space="preserve">${escaped(text)}</t></si>`).join("")}</sst>`,
    ...parts,
  });
}

export async function archive(parts: Parts): Promise<Buffer> {
  const zip = new ZipFile();
  const content = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>';
  zip.addBuffer(Buffer.from(`${XML}${content}`), "[Content_Types].xml");
  for (const [name, part] of Object.entries(parts)) zip.addBuffer(Buffer.from(part), name);
  zip.end();
  return buffer(zip.outputStream);
}

/** The archive with another name in the place of one as long: writers refuse names that lead out of it. */
export function renamed(bytes: Buffer, from: string, to: string): Buffer {
  if (from.length !== to.length) throw new Error("the names must be of one length");
  return Buffer.from(bytes.toString("latin1").replaceAll(from, to), "latin1");
}
