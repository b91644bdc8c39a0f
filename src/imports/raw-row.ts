/** Rows as files have them, before anybody knows what they mean. */

export interface RawRow {
  /** Where people find it: a line, a row of the sheet, the number of a feature; from 1. */
  line: number;
  /** Names of its columns: of tables one array for all rows. */
  names: readonly string[];
  /** By column; shorter where the last ones are empty. */
  values: readonly unknown[];
  /** Why it cannot be read at all; then names and values are empty. */
  fault?: { reason: string; value?: string };
}

export const faulty = (line: number, reason: string, value?: string): RawRow => ({
  ...{ line, names: [], values: [] },
  fault: { reason, ...(value === undefined ? {} : { value }) },
});

/** What reads one format. */
export interface RowReader {
  /** Rows in their order, some hundreds at a time at most; tables without their header. */
  rows: AsyncGenerator<RawRow[], void, undefined>;
  /** How much of the file has been read, 0 to 1. */
  progress(): number;
}

/** Columns of a table: more is no table of anything, and each costs in every row. */
export const MAX_COLUMNS = 1_000;
/** Characters of a line of a table. Beyond it a quote is open that nobody closes. */
export const MAX_TABLE_ROW = 1_048_576;
/** Characters of a record in JSON, which may hold a shape. */
export const MAX_JSON_ROW = 16_777_216;
