/** Rows of CSV and TSV. */
import { finished } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
import { headerInvalid, unreadable, type NamedFile } from "./import-error.ts";
import { faulty, MAX_COLUMNS, MAX_TABLE_ROW, type RawRow } from "./raw-row.ts";

const DELIMITERS = [",", ";", "\t", "|"];
/** Characters of the beginning that the delimiter is told by, and rows of them. */
const SAMPLE_LENGTH = 65_536;
const SAMPLE_ROWS = 100;
/** All three at once: files that people have pasted together have several. */
const LINE_ENDS = ["\r\n", "\n", "\r"];
/** A quote inside a value is a quote, as in 5" pipe: a parser that drops the row would drop the next one with it. */
const OPTIONS = { record_delimiter: LINE_ENDS, relax_column_count: true, relax_quotes: true } as const;

/** The one that splits most of the first rows into as many columns, and into the most. */
export function detectDelimiter(begin: string): string {
  const sample = begin.slice(0, SAMPLE_LENGTH);
  const whole = begin.length > SAMPLE_LENGTH ? sample.slice(0, Math.max(sample.lastIndexOf("\n"), 1)) : sample;
  const scored = DELIMITERS.map((delimiter) => ({ delimiter, score: scoreOf(whole, delimiter) }));
  return scored.reduce((best, each) => (each.score > best.score ? each : best)).delimiter;
}

function scoreOf(sample: string, delimiter: string): number {
  let rows: string[][];
  try {
    rows = parseSync(sample, { ...OPTIONS, delimiter, skip_empty_lines: true, to: SAMPLE_ROWS });
  } catch {
    // A quote that is open at the sample's end.
    return 0;
  }
  const columns = rows[0]?.length ?? 0;
  if (columns < 2) return 0;
  return columns * (rows.filter((row) => row.length === columns).length / rows.length) ** 2;
}

/** Errors: `import_unreadable`, `import_header_invalid`, those of `texts`. */
export async function* readCsv(
  file: NamedFile,
  texts: AsyncIterable<string>,
  delimiter: string,
): AsyncGenerator<RawRow[], void, undefined> {
  let names: string[] | null = null;
  let ready: RawRow[] = [];
  /** Where the last record ended: if nothing comes after it, the file's end is right behind. */
  let lastLine = 0;
  const parser = parse({
    ...{
      ...OPTIONS,
      delimiter,
      max_record_size: MAX_TABLE_ROW,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
    },
    // Called as the text is written: nothing of it is kept by the stream, which would cost a turn of the event loop for each row.
    on_record(values: string[], { lines }: { lines: number }) {
      if (names === null) names = values;
      else ready.push({ line: firstLine(values, lines, lastLine), names, values });
      lastLine = lines;
      return null;
    },
  });
  const ended = finished(parser.resume()).then(
    () => null,
    (error: unknown) => error,
  );
  try {
    for await (const text of texts) {
      parser.write(text);
      if (parser.errored) break;
      if (names) checkWidth(file, names);
      if (ready.length > 0) yield ready.splice(0);
    }
    parser.end();
    const error = await ended;
    if (error !== null) ready.push(faultOf(file, error, lastLine));
    if (names) checkWidth(file, names);
    if (ready.length > 0) yield ready;
  } finally {
    parser.destroy();
    await ended;
  }
}

/** A record that quotes line ends has begun some lines before its last. */
function firstLine(values: readonly string[], lines: number, lastLine: number): number {
  if (lines - lastLine <= 1) return lines;
  let within = 0;
  for (const value of values) within += value.match(/\r\n|\n|\r/g)?.length ?? 0;
  return lines - within;
}

function checkWidth({ name }: NamedFile, names: readonly string[]): void {
  if (names.length > MAX_COLUMNS)
    throw headerInvalid(name, `it has ${names.length} columns, and ${MAX_COLUMNS} are the most`);
}

/** A quote that is open at the end costs the row that it begins; one that is open for ever so long would cost everything behind it. */
function faultOf(file: NamedFile, error: unknown, lastLine: number): RawRow {
  if (!(error instanceof CsvError)) throw error;
  if (error.code === "CSV_QUOTE_NOT_CLOSED")
    return faulty(
      lastLine + 1,
      `the file ends in line ${error["lines"]}, inside a quoted value that begins here or below`,
    );
  const reason =
    error.code === "CSV_MAX_RECORD_SIZE"
      ? `behind line ${lastLine} a row has more than ${MAX_TABLE_ROW} characters; perhaps a quote is never closed`
      : `behind line ${lastLine}: ${error.message}`;
  throw unreadable(file, reason, error);
}
