/** Rows out of JSON: an object or a Feature per line, or the features of a FeatureCollection. */
import { parseExactJson } from "../json/exact-json.ts";
import { AppError } from "../errors.ts";
import { isObject } from "../projects/checked-value.ts";
import { splitCollection } from "../projects/split-features.ts";
import { unreadable, type NamedFile } from "./import-error.ts";
import { faulty, MAX_COLUMNS, MAX_JSON_ROW, type RawRow } from "./raw-row.ts";

/** Characters of a line in a problem. */
const SHOWN = 100;

/** Errors: those of `texts`. A line that is no object costs itself. */
export async function* readNdjson(texts: AsyncIterable<string>): AsyncGenerator<RawRow[], void, undefined> {
  const lines = createLines();
  for await (const text of texts) {
    const rows: RawRow[] = [];
    const pieces = text.split("\n");
    for (const [at, piece] of pieces.entries()) {
      lines.add(piece);
      if (at < pieces.length - 1) rows.push(...lines.end());
    }
    if (rows.length > 0) yield rows;
  }
  const rows = lines.end();
  if (rows.length > 0) yield rows;
}

/** A long line that comes in many pieces is put together once, when it ends; of one that is too long only the length is kept. */
function createLines(): { add(piece: string): void; end(): RawRow[] } {
  let pieces: string[] = [];
  let length = 0;
  let line = 0;
  return {
    add(piece) {
      length += piece.length;
      if (length <= MAX_JSON_ROW) pieces.push(piece);
      else pieces = [];
    },
    end() {
      line += 1;
      const text = pieces.join("");
      const isTooLong = length > MAX_JSON_ROW;
      pieces = [];
      length = 0;
      if (isTooLong) return [faulty(line, `it has more than ${MAX_JSON_ROW} characters`)];
      return text.trim() === "" ? [] : [lineRow(text, line)];
    },
  };
}

function lineRow(text: string, line: number): RawRow {
  try {
    const value = parseExactJson(text, (reason) => new AppError("malformed_json", { reason }));
    return isObject(value) ? objectRow(value, line) : faulty(line, "it is no JSON object", text.slice(0, SHOWN));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return faulty(line, String(error.facts["reason"]), text.slice(0, SHOWN));
  }
}

/** Errors: `import_unreadable` with the place; those of `texts`. A feature that is none costs itself. */
export async function* readGeoJson(
  file: NamedFile,
  texts: AsyncIterable<string>,
): AsyncGenerator<RawRow[], void, undefined> {
  const splitter = splitCollection();
  let number = 0;
  let since = 0;
  const asRows = (features: unknown[]): RawRow[] =>
    features.map((feature) => {
      number += 1;
      return isObject(feature) ? objectRow(feature, number) : faulty(number, "it is no Feature");
    });
  const split = (work: () => unknown[]): RawRow[] => {
    try {
      return asRows(work());
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { index, reason } = error.facts as { index?: number; reason: string };
      throw unreadable(file, index === undefined ? reason : `feature ${index}: ${reason}`, error);
    }
  };
  for await (const text of texts) {
    const rows = split(() => splitter.write(text));
    since = rows.length > 0 ? 0 : since + text.length;
    if (since > MAX_JSON_ROW) throw unreadable(file, `feature ${number + 1} has more than ${MAX_JSON_ROW} characters`);
    if (rows.length > 0) yield rows;
  }
  const rows = split(() => splitter.end(""));
  if (rows.length > 0) yield rows;
}

/** The properties of a Feature, with its geometry and, where they have no ref, its id; of any other object its members. */
function objectRow(value: Record<string, unknown>, line: number): RawRow {
  if (value["type"] !== "Feature") return rowOf(value, line);
  const properties = isObject(value["properties"]) ? value["properties"] : {};
  const { id, geometry } = value;
  const own = {
    ...(id == null || properties["ref"] != null ? {} : { ref: id }),
    ...(geometry == null ? {} : { geometry }),
  };
  const all = { ...properties, ...own };
  return rowOf(all, line);
}

function rowOf(members: Record<string, unknown>, line: number): RawRow {
  const names = Object.keys(members);
  if (names.length > MAX_COLUMNS)
    return faulty(line, `it has ${names.length} members, and ${MAX_COLUMNS} are the most`);
  return { line, names, values: Object.values(members) };
}
