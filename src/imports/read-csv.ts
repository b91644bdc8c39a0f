/** Rows of CSV and TSV. */
import { finished } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
import type { AppError } from "../errors.ts";
import { headerInvalid, unreadable, type NamedFile } from "./import-error.ts";
import { faulty, MAX_COLUMNS, MAX_TABLE_ROW, type RawRow } from "./raw-row.ts";

const DELIMITERS = [",", ";", "\t", "|"];
/** Characters of the beginning that the delimiter is told by, and rows of them. */
const SAMPLE_LENGTH = 65_536;
const SAMPLE_ROWS = 100;
/** Characters of a row, delimiters included. */
const MAX_DELIMITERS = 4 * MAX_TABLE_ROW;
/** All three at once: files that people have pasted together have several. */
const LINE_ENDS = ["\r\n", "\n", "\r"];
/** A quote inside a value is a quote, as in 5" pipe: a parser that drops the row would drop the next one with it. */
const OPTIONS = { record_delimiter: LINE_ENDS, relax_column_count: true, relax_quotes: true } as const;

/** The one that splits most of the first rows into as many columns, and into the most. */
export function detectDelimiter(begin: string): string {
  const sample = begin.slice(0, SAMPLE_LENGTH);
  const lastEnd = Math.max(sample.lastIndexOf("\n"), sample.lastIndexOf("\r"));
  const whole = begin.length > SAMPLE_LENGTH && lastEnd > 0 ? sample.slice(0, lastEnd) : sample;
  const scored = DELIMITERS.map((delimiter) => ({ delimiter, score: scoreOf(whole, delimiter) }));
  return scored.reduce((best, each) => (each.score > best.score ? each : best)).delimiter;
}

function scoreOf(sample: string, delimiter: string): number {
  const rows: string[][] = [];
  const on_record = (row: string[]): string[] => {
    rows.push(row);
    return row;
  };
  try {
    parseSync(sample, { ...OPTIONS, delimiter, skip_empty_lines: true, to: SAMPLE_ROWS, on_record });
  } catch (error) {
    // The sample ends within a value: the rows before it say enough.
    if (!(error instanceof CsvError && error.code === "CSV_QUOTE_NOT_CLOSED")) return 0;
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
  /** Where the last record ended. */
  let lastLine = 0;
  /** Lines that the parser has counted twice: within quotes it takes the two characters of Windows' line ends for two. */
  let twice = 0;
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
      const within = lines - twice - lastLine > 1 ? lineEndsIn(values) : NO_LINE_ENDS;
      twice += within.pairs;
      lastLine = lines - twice;
      if (names === null) names = values;
      else ready.push({ line: lastLine - within.count, names, values });
      return null;
    },
  });
  const ended = finished(parser.resume()).then(
    () => null,
    (error: unknown) => error,
  );
  try {
    let since = 0;
    for await (const text of texts) {
      const before = lastLine;
      parser.write(text);
      if (parser.errored) break;
      since = lastLine === before ? since + text.length : 0;
      // The parser counts the characters of values only: a row of nothing but delimiters would fill the memory.
      if (since > MAX_DELIMITERS) throw tooLong(file, lastLine);
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

const NO_LINE_ENDS = { count: 0, pairs: 0 };

/** A record that quotes line ends has begun so many lines before its last. */
function lineEndsIn(values: readonly string[]): { count: number; pairs: number } {
  let [count, pairs] = [0, 0];
  for (const value of values) {
    for (const [lineEnd] of value.matchAll(/\r\n|\n|\r/g)) {
      count += 1;
      if (lineEnd.length > 1) pairs += 1;
    }
  }
  return { count, pairs };
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
      `the file ends in line ${String(error["lines"])}, inside a quoted value that begins here or below`,
    );
  if (error.code === "CSV_MAX_RECORD_SIZE") throw tooLong(file, lastLine, error);
  throw unreadable(file, `behind line ${lastLine}: ${error.message}`, error);
}

const tooLong = (file: NamedFile, lastLine: number, cause?: unknown): AppError =>
  unreadable(
    file,
    `behind line ${lastLine} a row has more than ${MAX_TABLE_ROW} characters; perhaps a quote is never closed`,
    cause,
  );
