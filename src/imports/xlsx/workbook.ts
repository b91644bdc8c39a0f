/** What a workbook says beside its cells: which sheets there are, texts that cells share, and which numbers are dates. */
import { posix } from "node:path";
import { AppError } from "../../errors.ts";
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

/** Bytes of the parts that are kept in memory: 1,000,000 different texts of 30 characters have 50 MB. */
const MAX_KEPT = 134_217_728;
const MAX_SHEETS_NAMED = 20;

/** `wanted`: name of the sheet; the first one that is shown by default. Errors: `import_archive_refused`, `import_unreadable`. */
export async function readWorkbook(
  archive: Archive,
  { name, wanted }: { name: string; wanted: string | undefined },
): Promise<Workbook> {
  const sheets: { name: string; id: string; shown: boolean }[] = [];
  let from1904 = false;
  const found = await readPart(archive, name, "xl/workbook.xml", {
    open(tag, attributes) {
      if (tag === "workbookPr") from1904 = isTrue(attributes["date1904"]);
      if (tag === "sheet")
        sheets.push({
          name: attributes["name"] ?? "",
          id: attributes["r:id"] ?? "",
          shown: (attributes["state"] ?? "visible") === "visible",
        });
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
  const paths = new Map<string, string>();
  await readPart(archive, name, "xl/_rels/workbook.xml.rels", {
    open(tag, { Id = "", Target = "" }) {
      if (tag === "Relationship") paths.set(Id, posix.join("xl", Target).replace(/^xl\/xl\//, "xl/"));
    },
  });
  const sheet = paths.get(chosen.id) ?? "xl/worksheets/sheet1.xml";
  return {
    sheet,
    from1904,
    sharedTexts: await readSharedTexts(archive, name),
    isDate: await readDateStyles(archive, name),
  };
}

const isTrue = (text: string | undefined): boolean => text === "1" || text === "true";

async function readPart(archive: Archive, name: string, part: string, handlers: XmlHandlers): Promise<boolean> {
  const found = await archive.open(part);
  if (!found) return false;
  if (found.size > MAX_KEPT)
    throw refused(name, `${part} unpacks to ${found.size} bytes, and ${MAX_KEPT} are the most`);
  await readWholeXml({ name, part }, found.bytes, handlers);
  return true;
}

async function readSharedTexts(archive: Archive, name: string): Promise<string[]> {
  const texts: string[] = [];
  let text = "";
  let within = false;
  let phonetic = false;
  await readPart(archive, name, "xl/sharedStrings.xml", {
    open(tag) {
      if (tag === "si") text = "";
      else if (tag === "t") within = !phonetic;
      else if (tag === "rPh") phonetic = true;
    },
    close(tag) {
      if (tag === "si") texts.push(unescaped(text));
      else if (tag === "t") within = false;
      else if (tag === "rPh") phonetic = false;
    },
    text(part) {
      if (within) text += part;
    },
  });
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
  const formats = new Map<number, string>();
  const styles: boolean[] = [];
  let within = false;
  await readPart(archive, name, "xl/styles.xml", {
    open(tag, { numFmtId = "0", formatCode = "" }) {
      const id = Number(numFmtId);
      if (tag === "numFmt") formats.set(id, formatCode);
      else if (tag === "cellXfs") within = true;
      else if (tag === "xf" && within) styles.push(isBuiltInDate(id) || printsDate(formats.get(id) ?? ""));
    },
    close(tag) {
      if (tag === "cellXfs") within = false;
    },
  });
  return styles;
}
