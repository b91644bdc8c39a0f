/** A specification before anything is made of it: all that is wrong is told at once, each by its place. */
import { z } from "zod";
import {
  BLOCK_SCHEMAS,
  MAX_BLOCKS,
  MAX_CELL_TEXT,
  MAX_CELLS,
  MAX_COLUMNS,
  MAX_OF,
  MAX_ROWS,
  SPECIFICATION_SCHEMA,
  type Block,
  type Cell,
  type Column,
  type DocumentSpecification,
  type Table,
} from "../../contract/document-specification.ts";
import type { JsonSchema } from "../../contract/json-schema.ts";
import { shortened } from "../../contract/printable.ts";
import type { Problem } from "../../contract/problem.ts";
import { AppError } from "../errors.ts";
import { bareFormula, formulaProblem } from "./formula.ts";
import { cleanTexts } from "./clean-text.ts";
import { isTimeZone, momentOf } from "./moments.ts";

/** Problems told of one specification. */
const MAX_TOLD = 100;

const zodOf = (schema: JsonSchema): z.ZodType =>
  z.fromJSONSchema(structuredClone(schema) as z.core.JSONSchema.JSONSchema);

let schemas: { whole: z.ZodType; blocks: Map<string, z.ZodType> } | undefined;
const made = () =>
  (schemas ??= {
    whole: zodOf(SPECIFICATION_SCHEMA),
    blocks: new Map(Object.entries(BLOCK_SCHEMAS).map(([type, schema]) => [type, zodOf(schema)])),
  });

/** `path`: JSON pointer of the specification. Answers it cleaned. Errors: specification_invalid, document_too_large. */
export function checkSpecification(given: unknown, path = ""): DocumentSpecification {
  refuseTooLarge(given, path);
  const specification = cleanTexts(given) as DocumentSpecification;
  const problems = [...problemsOf(specification, path)];
  if (problems.length > 0) throw invalid(problems);
  return specification;
}

export function invalid(problems: readonly Problem[]): AppError {
  const first = problems[0]!;
  const facts = { count: problems.length, first: `${first.path || "/"}: ${first.message}` };
  return new AppError("specification_invalid", facts, { problems: problems.slice(0, MAX_TOLD) });
}

/** Before anything else looks at it, which would take its time. */
function refuseTooLarge(given: unknown, path: string): void {
  const content = (given as { content?: unknown } | null)?.content;
  if (!Array.isArray(content)) return;
  const refuse = (count: number, what: string, limit: number): void => {
    if (count > limit) throw new AppError("document_too_large", { what: `${count} ${what}`, limit });
  };
  refuse(content.length, "blocks", MAX_BLOCKS);
  let cells = 0;
  const found = new Map<string, number>();
  for (const [index, block] of (content as Partial<Table>[]).entries()) {
    const type = String(block?.type);
    const count = (found.get(type) ?? 0) + 1;
    found.set(type, count);
    const most = Object.hasOwn(MAX_OF, type) ? MAX_OF[type as Block["type"]]! : Infinity;
    if (count > most) throw tooMany(content as Partial<Block>[], { type, most, path: `${path}/content/${index}` });
    if (Array.isArray(block?.columns)) refuse(block.columns.length, "columns in a table", MAX_COLUMNS);
    if (!Array.isArray(block?.rows)) continue;
    refuse(block.rows.length, "rows in a table", MAX_ROWS);
    for (const row of block.rows) cells += Array.isArray(row) ? row.length : 1;
    refuse(cells, "cells", MAX_CELLS);
  }
}

/** Told with the first block that is one too many. */
function tooMany(
  content: readonly Partial<Block>[],
  { type, most, path }: { type: string; most: number; path: string },
): AppError {
  const count = content.filter((block) => block?.type === type).length;
  const message = `a document has at most ${most} blocks of type ${type}; there are ${count}`;
  const problems = [{ code: "document_too_large", path, message }];
  return new AppError("document_too_large", { what: `${count} blocks of type ${type}`, limit: most }, { problems });
}

function* problemsOf(specification: DocumentSpecification, path: string): Generator<Problem> {
  const whole = made().whole.safeParse(specification);
  if (!whole.success) {
    yield* toldIssues(whole.error, path, specification);
    return;
  }
  const zone = specification.time_zone ?? "UTC";
  if (!isTimeZone(zone)) {
    const message = "is no IANA time zone, such as Asia/Dubai";
    yield { code: "time_zone_unknown", path: `${path}/time_zone`, message, value: zone };
    return;
  }
  for (const [index, block] of specification.content.entries()) {
    const at = `${path}/content/${index}`;
    // Rows are looked at by hand: there may be a million, and zod would copy each.
    const { rows: _, ...rest } = block as Block & { rows?: unknown };
    const parsed = made().blocks.get(block.type)!.safeParse(rest);
    if (!parsed.success) yield* toldIssues(parsed.error, at, rest);
    else if (block.type === "table") yield* tableProblems(block, zone, at);
  }
}

function* tableProblems(table: Table, zone: string, at: string): Generator<Problem> {
  if ((table.rows === undefined) === (table.source === undefined)) {
    const message = "a table has either rows or a source";
    yield { code: "table_unclear", path: at, message };
    return;
  }
  for (const [index, { field }] of table.columns.entries()) {
    if (table.source === "overlays" && field === undefined) {
      const message = "each column of a table with a source names a field";
      yield { code: "field_missing", path: `${at}/columns/${index}`, message };
    }
  }
  if (table.rows === undefined) return;
  if (!Array.isArray(table.rows)) {
    yield { code: "rows_invalid", path: `${at}/rows`, message: "must be an array of rows", value: told(table.rows) };
    return;
  }
  for (const [row, cells] of table.rows.entries()) {
    const place = `${at}/rows/${row}`;
    if (!Array.isArray(cells) || cells.length > table.columns.length) {
      const message = `a row is an array of at most ${table.columns.length} cells, one per column`;
      yield { code: "row_invalid", path: place, message, value: told(cells) };
      continue;
    }
    for (const [index, cell] of cells.entries()) {
      const message = cellProblem(cell, table.columns[index]!, zone);
      if (message !== null) yield { code: "cell_invalid", path: `${place}/${index}`, message, value: told(cell) };
    }
  }
}

/** What is wrong with a cell, or null. */
function cellProblem(cell: Cell | undefined, { type }: Column, zone: string): string | null {
  if (cell === null || typeof cell === "boolean") return null;
  if (typeof cell === "number") return Number.isFinite(cell) ? null : "is no finite number";
  if (typeof cell === "string") {
    if (cell.length > MAX_CELL_TEXT) return `has ${cell.length} characters, more than ${MAX_CELL_TEXT}`;
    const isDay = type === "date" || type === "datetime";
    return isDay && cell !== "" && !momentOf(cell, zone, true) ? NO_MOMENT : null;
  }
  if (typeof cell !== "object")
    return "must be a text, a number, a boolean, null, or an object with formula, date or link";
  const names = Object.keys(cell).toSorted().join();
  if ("formula" in cell && (names === "formula" || names === "formula,value") && typeof cell.formula === "string") {
    const { value } = cell;
    if (value !== undefined && !["string", "number", "boolean"].includes(typeof value)) return "its value is none";
    if (cell.formula.length > 8_192) return "its formula has more than 8192 characters";
    const problem = formulaProblem(bareFormula(cell.formula));
    return problem && `its formula cannot be used: ${problem}`;
  }
  if ("date" in cell && names === "date" && typeof cell.date === "string")
    return momentOf(cell.date, zone, true) ? null : NO_MOMENT;
  if ("link" in cell && names === "link,text" && typeof cell.text === "string" && typeof cell.link === "string") {
    if (cell.text.length > MAX_CELL_TEXT) return `its text has more than ${MAX_CELL_TEXT} characters`;
    return /^(https?:\/\/|mailto:)[^\s<>"]{1,1990}$/i.test(cell.link)
      ? null
      : "its link is no http, https or mailto URL";
  }
  return "must have just formula (and value), date, or text and link";
}

const NO_MOMENT = "is no day or time in ISO 8601, such as 2026-11-26 or 2026-11-26T08:30:00Z";

const told = (value: unknown): string => shortened(JSON.stringify(value) ?? "nothing", 100);

function* toldIssues(error: z.ZodError, path: string, value: unknown): Generator<Problem> {
  for (const issue of error.issues) {
    const at = `${path}${issue.path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")}`;
    const found = issue.path.reduce<unknown>((inside, part) => (inside as Record<PropertyKey, unknown>)?.[part], value);
    yield {
      code: issue.code,
      path: at,
      message: issue.message,
      ...(found === undefined ? {} : { value: told(found) }),
    };
  }
}
