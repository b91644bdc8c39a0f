/** What was rejected, for people: the first ones in the job, all of them in a file that spreadsheet programs open. */
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { stringify } from "csv-stringify";
import { ROW_PROBLEMS } from "../../contract/failures/bulk-import.ts";
import type { Problem } from "../../contract/problem.ts";
import type { Db } from "../db.ts";
import { rejectedPage, type RejectedRow } from "./import-rows-store.ts";
import type { RowProblem } from "./to-row.ts";

const PAGE = 1_000;
/** Problems that are told in the job. */
const TOLD = 50;

/** Columns of the file. */
const COLUMNS = ["line", "ref", "column", "value", "code", "reason"] as const;

/** As CSV in UTF-8 with its mark; what a spreadsheet would take for a formula begins with an apostrophe. */
export function errorFile(db: Db, stage: string): Readable {
  const body = stringify({
    header: true,
    columns: [...COLUMNS],
    bom: true,
    escape_formulas: true,
    record_delimiter: "windows",
  });
  // What goes wrong on the way is the body's own error.
  pipeline(Readable.from(records(db, stage)), body).catch(() => undefined);
  return body;
}

async function* records(db: Db, stage: string): AsyncGenerator<Record<(typeof COLUMNS)[number], string | number>> {
  for (let after = 0; ;) {
    const page = await rejectedPage(db, stage, { after, limit: PAGE });
    for (const row of page)
      for (const { code, column, value, message } of problemsOf(row))
        yield { line: row.line, ref: row.ref ?? "", column: column ?? "", value: value ?? "", code, reason: message };
    const last = page.at(-1);
    if (!last) return;
    after = last.number;
  }
}

/** The first of them, as a job tells its problems. */
export async function firstProblems(db: Db, stage: string): Promise<Problem[]> {
  const page = await rejectedPage(db, stage, { after: 0, limit: TOLD });
  const all = page.flatMap((row) =>
    problemsOf(row).map(({ code, column, value, message }) => ({
      ...{
        code,
        path: `/rows/${row.line}${column === null ? "" : `/${column.replaceAll("~", "~0").replaceAll("/", "~1")}`}`,
      },
      ...{ message: `Line ${row.line}${column === null ? "" : `, column ${column}`}: ${message}` },
      ...(value === null ? {} : { value }),
    })),
  );
  return all.slice(0, TOLD);
}

function problemsOf({ ref, problems, verdict }: RejectedRow): RowProblem[] {
  if (problems) return problems;
  if (!verdict) return [];
  const { code, line } = verdict;
  const message = line === undefined ? ROW_PROBLEMS[code] : `Line ${line} has the same ref.`;
  return [{ code, column: "ref", value: ref, message }];
}
