/** What a file is, by its first bytes; what it was said to be must agree with them. */
import type { ImportFormat } from "../../contract/bulk-import.ts";
import { HEAD_BYTES, mediaTypeOf } from "../artifacts/media-type.ts";
import { unreadable } from "./import-error.ts";

const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const ARCHIVES = new Set([WORKBOOK, "application/zip"]);
/** Other than these have bytes of their own that tell what they are. */
const TEXTS = new Set(["text/plain", "application/json", "application/octet-stream"]);
/** Characters that are NUL in a file that is text: some strays, or one of a hundred; more is no text. */
const [STRAYS, MOST_NULS] = [8, 0.01];
/** Of a file so short that it could not have as many. */
const MOST_OF_ALL = 0.25;

/**
 * `head`: the first bytes, HEAD_BYTES of them at least where there are so many. `utf16`: they are text in UTF-16. Error: `import_unreadable`.
 */
export async function detectFormat(
  head: Buffer,
  { name, said, text }: { name: string; said: ImportFormat | undefined; text: (head: Buffer) => string },
): Promise<ImportFormat> {
  const type = await mediaTypeOf(head.subarray(0, HEAD_BYTES));
  const format = said ?? "rows";
  if (ARCHIVES.has(type)) {
    if (said === undefined || said === "xlsx") return "xlsx";
    throw unreadable({ name, format }, "its bytes are those of a ZIP archive or an XLSX workbook");
  }
  if (!TEXTS.has(type)) throw unreadable({ name, format }, `its bytes are ${type}`);
  if (said === "xlsx") throw unreadable({ name, format }, "its bytes are not those of an XLSX workbook");
  const begin = text(head).trimStart();
  if (begin.startsWith("<"))
    throw unreadable({ name, format }, "it is HTML or XML, such as a page that asks for a login");
  const nuls = begin.split("\0").length - 1;
  if (nuls > Math.max(STRAYS, begin.length * MOST_NULS) || nuls > begin.length * MOST_OF_ALL)
    throw unreadable({ name, format }, "its bytes are no text");
  return said ?? formatOfText(begin, name);
}

function formatOfText(begin: string, name: string): ImportFormat {
  if (begin.startsWith("["))
    throw unreadable({ name, format: "rows" }, "it is a JSON array; write one object per line (NDJSON)");
  if (!begin.startsWith("{")) return "csv";
  const [line = ""] = begin.split(/\r?\n/, 1);
  return isObjectText(line) && !/"FeatureCollection"/.test(line) ? "ndjson" : "geojson";
}

function isObjectText(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
