/** What a workbook says beside its cells: which sheets there are, texts that cells share, and which numbers are dates. */
import { posix } from "node:path";
import { AppError } from "../../errors.ts";
import { MAX_TABLE_ROW } from "../raw-row.ts";
import { refused, type Archive } from "./archive.ts";
import { readWholeXml, type XmlHandlers } from "./read-xml.ts";

export interface Workbook {
  /** Path of the sheet's part. */
  sheet: string;
  sharedTexts: readonly string[];
  /** By a cell's style: is its number a date? */
  isDate: readonly boolean[];
  /** Days are counted from 1904, as old Macs did. */
  from1904: boolean;
}

/** Bytes of the shared texts: 1,000,000 different ones of 30 characters have 50 MB. Empty ones would be 27 million of them. */
const MAX_TEXTS_BYTES = 134_217_728;
const MAX_TEXTS = 8_000_000;
/** Bytes of any other part: 65,490 styles, as many as Excel has, take 15 MB. */
const MAX_PART = 33_554_432;
/** Elements that are kept: packed, each can take a fortieth of a byte, and in memory it takes a hundred. People have some hundred sheets. */
const MAX_SHEETS = 10_000;
const MAX_STYLES = 100_000;
const MAX_SHEETS_NAMED = 20;

/** `wanted`: name of the sheet; the first one that is shown by default. Errors: `import_archive_refused`, `import_unreadable`. */
export async function readWorkbook(
  archive: Archive,
  { name, wanted }: { name: string; wanted: string | undefined },
): Promise<Workbook> {
  const sheets: { name: string; id: string; shown: boolean }[] = [];
  let from1904 = false;
  const part = "xl/workbook.xml";
  const found = await readPart(archive, name, part, {
    open(tag, attributes) {
      if (tag === "workbookPr") from1904 = isTrue(attributes["date1904"]);
      if (tag !== "sheet") return;
      sheets.push({
        name: attributes["name"] ?? "",
        id: attributes["r:id"] ?? "",
        shown: (attributes["state"] ?? "visible") === "visible",
      });
      demandFew(sheets.length, MAX_SHEETS, { name, part, of: "sheets" });
    },
  });
  if (!found) throw refused(name, "it is a ZIP archive, but no workbook: xl/workbook.xml is missing");
  const chosen =
    wanted === undefined
      ? (sheets.find(({ shown }) => shown) ?? sheets[0])
      : sheets.find((each) => each.name === wanted);
  if (!chosen) {
    const there = sheets
      .slice(0, MAX_SHEETS_NAMED)
      .map((each) => JSON.stringify(each.name))
      .join(", ");
    throw new AppError("import_unreadable", {
      name,
      format: "xlsx",
      reason: `it has no sheet ${JSON.stringify(wanted ?? "")}, but ${there}`,
    });
  }
  return {
    sheet: (await readPath(archive, name, chosen.id)) ?? "xl/worksheets/sheet1.xml",
    from1904,
    sharedTexts: await readSharedTexts(archive, name),
    isDate: await readDateStyles(archive, name),
  };
}

/** Of the sheet's part; null if there is nothing of this id. Nothing else of it is kept. */
async function readPath(archive: Archive, name: string, id: string): Promise<string | null> {
  let path: string | null = null;
  await readPart(archive, name, "xl/_rels/workbook.xml.rels", {
    open(tag, { Id = "", Target = "" }) {
      if (tag === "Relationship" && Id === id) path = posix.join("xl", Target).replace(/^xl\/xl\//, "xl/");
    },
  });
  return path;
}

const isTrue = (text: string | undefined): boolean => text === "1" || text === "true";

/** Error: `import_archive_refused`. */
function demandFew(count: number, most: number, { name, part, of }: { name: string; part: string; of: string }): void {
  if (count > most) throw refused(name, `${part} has more than ${most} ${of}`);
}

/** `most`: bytes. */
async function readPart(
  archive: Archive,
  name: string,
  part: string,
  handlers: XmlHandlers,
  most = MAX_PART,
): Promise<boolean> {
  const found = archive.open(part);
  if (!found) return false;
  if (found.size > most) throw refused(name, `${part} unpacks to ${found.size} bytes, and ${most} are the most`);
  await readWholeXml({ name, part }, found.bytes, handlers);
  return true;
}

async function readSharedTexts(archive: Archive, name: string): Promise<string[]> {
  const texts: string[] = [];
  const part = "xl/sharedStrings.xml";
  let text = "";
  let within = false;
  let phonetic = false;
  const handlers: XmlHandlers = {
    open(tag) {
      if (tag === "si") text = "";
      else if (tag === "t") within = !phonetic;
      else if (tag === "rPh") phonetic = true;
    },
    close(tag) {
      if (tag === "t") within = false;
      else if (tag === "rPh") phonetic = false;
      if (tag !== "si") return;
      texts.push(unescaped(text));
      demandFew(texts.length, MAX_TEXTS, { name, part, of: "texts" });
    },
    text(piece) {
      if (!within) return;
      text += piece;
      // No row could hold it; and a text in a million pieces takes thirty times its length until it ends.
      demandFew(text.length, MAX_TABLE_ROW, { name, part, of: "characters in one text" });
    },
  };
  await readPart(archive, name, part, handlers, MAX_TEXTS_BYTES);
  return texts;
}

/** Workbooks write characters that XML does not have as `_x000D_`. */
export function unescaped(text: string): string {
  if (!text.includes("_x")) return text;
  return text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Formats that every workbook has without saying so. */
const isBuiltInDate = (id: number): boolean =>
  (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);

/** Does it print days, months or years, outside of texts and conditions? */
const printsDate = (format: string): boolean => /[dmy]/i.test(format.replaceAll(/"[^"]*"|\\.|\[[^\]]*\]/g, ""));

async function readDateStyles(archive: Archive, name: string): Promise<boolean[]> {
  /** Looked through once each: 100,000 styles can share one of a million characters. */
  const formats = new Map<number, boolean>();
  const styles: boolean[] = [];
  const part = "xl/styles.xml";
  let within = false;
  await readPart(archive, name, part, {
    open(tag, { numFmtId = "0", formatCode = "" }) {
      const id = Number(numFmtId);
      if (tag === "numFmt") formats.set(id, printsDate(formatCode));
      else if (tag === "cellXfs") within = true;
      else if (tag === "xf" && within) styles.push(isBuiltInDate(id) || formats.get(id) === true);
      demandFew(Math.max(formats.size, styles.length), MAX_STYLES, { name, part, of: "styles" });
    },
    close(tag) {
      if (tag === "cellXfs") within = false;
    },
  });
  return styles;
}
