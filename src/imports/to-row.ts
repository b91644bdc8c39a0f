/** One row: what it says of an overlay, or everything that is wrong with it. */
import { ROW_PROBLEMS, type RowProblemCode } from "../../contract/failures/bulk-import.ts";
import { printable, shortened } from "../../contract/printable.ts";
import { whyNotStorable } from "../json/storable-json.ts";
import { isObject } from "../projects/checked-value.ts";
import { geometry } from "../projects/geometry-schema.ts";
import { label as labelSchema, ref as refSchema } from "../projects/project-folder.ts";
import { judge } from "../projects/schema-problems.ts";
import { convert, isNothing } from "./cell-value.ts";
import type { Column } from "./columns.ts";
import type { RawRow } from "./raw-row.ts";

export interface RowProblem {
  code: RowProblemCode;
  /** Header; null for the row as a whole. */
  column: string | null;
  /** What was there, cut. */
  value: string | null;
  message: string;
}

/** What a row says beside label and properties. */
export interface Patch {
  type?: string;
  layer?: string;
  visible?: boolean;
  style?: Record<string, unknown>;
  geometry?: Record<string, unknown>;
}

export interface Row {
  ref: string | null;
  label: Record<string, string> | null;
  properties: Record<string, unknown> | null;
  patch: Patch | null;
  problems: RowProblem[];
}

/** Characters of a value in a problem, and problems of one row. */
const MAX_VALUE = 100;
const MAX_PROBLEMS = 20;

/** A problem as it is kept and told. */
export function rowProblem(
  code: RowProblemCode,
  column: string | null,
  value: unknown,
  message: string = ROW_PROBLEMS[code],
): RowProblem {
  const text = value === undefined || value === null ? null : typeof value === "string" ? value : JSON.stringify(value);
  const shown = text === null ? null : printable(shortened(text, MAX_VALUE)).toWellFormed();
  return {
    code,
    column: column === null ? null : printable(shortened(column, MAX_VALUE)).toWellFormed(),
    value: shown,
    message,
  };
}

/** `columns`: of the row's values. */
export function toRow(raw: RawRow, columns: readonly Column[]): Row {
  const row: Row = { ref: null, label: null, properties: null, patch: null, problems: [] };
  if (raw.fault) {
    row.problems.push(
      rowProblem("row_malformed", null, raw.fault.value, `The row cannot be read: ${raw.fault.reason}.`),
    );
    return row;
  }
  for (const [at, value] of raw.values.entries()) {
    if (isNothing(value)) continue;
    const column = columns[at];
    if (column) take(row, column, value);
    else row.problems.push(rowProblem("row_too_long", `column ${at + 1}`, value));
    if (row.problems.length >= MAX_PROBLEMS) break;
  }
  if (row.ref === null && !row.problems.some(({ code }) => code === "ref_invalid"))
    row.problems.push(rowProblem("ref_missing", null, null));
  return row;
}

function take(row: Row, { header, target, type }: Column, given: unknown): void {
  if (target.kind === "none") return;
  const refuse = (code: RowProblemCode, message?: string): void =>
    void row.problems.push(rowProblem(code, header, given, message));
  if (target.kind === "wrong") return refuse("value_invalid", `The column cannot be used: ${target.reason}.`);
  const unstorable = storable(given);
  if (unstorable !== null) return refuse("value_not_storable", `The value cannot be kept: ${unstorable}.`);
  // A label in JSON has all its languages.
  if (target.kind === "label" && isObject(given)) return takeLabels(row, given, refuse);
  const converted = convert(given, type);
  if ("fault" in converted) return refuse("value_invalid", `The value ${converted.fault}.`);
  const { value } = converted;
  // What a text held in JSON has not been looked at.
  const inside = type === "json" && typeof given === "string" ? whyNotStorable(value) : null;
  if (inside !== null) return refuse("value_not_storable", `The value cannot be kept: ${inside}.`);
  switch (target.kind) {
    case "property":
      (row.properties ??= {})[target.name] = value;
      return;
    case "label":
      (row.label ??= {})[target.language ?? "und"] = String(value);
      return;
    case "ref":
      return takeRef(row, String(value).trim(), refuse);
    default:
      return takePart(row, target.kind, value, refuse);
  }
}

type Refuse = (code: RowProblemCode, message?: string) => void;

/** Most values are short texts and numbers: no walk for them. */
function storable(value: unknown): string | null {
  if (typeof value === "string")
    return value.includes("\0")
      ? "it holds a NUL character"
      : value.isWellFormed()
        ? null
        : "it holds half a surrogate pair";
  return typeof value === "boolean" ? null : whyNotStorable(value);
}

function takeLabels(row: Row, value: Record<string, unknown>, refuse: Refuse): void {
  if (labelSchema.safeParse(value).success) row.label = { ...row.label, ...(value as Record<string, string>) };
  else refuse("value_invalid", "The label must be one text, or texts by language tag such as en or zh-Hant.");
}

function takeRef(row: Row, text: string, refuse: Refuse): void {
  if (refSchema.safeParse(text).success) row.ref = text;
  else refuse("ref_invalid");
}

function takePart(row: Row, kind: keyof Patch, value: unknown, refuse: Refuse): void {
  const patch = (row.patch ??= {});
  if (kind === "visible") {
    if (typeof value === "boolean") patch.visible = value;
    else refuse("value_invalid", "The value must be true or false.");
  } else if (kind === "style") {
    if (isObject(value)) patch.style = value;
    else refuse("value_invalid", "The style must be a JSON object.");
  } else if (kind === "geometry") {
    const { data, problems } = judge(geometry, value);
    if (data) patch.geometry = data;
    else refuse("value_invalid", `The geometry cannot be read: ${problems[0].path} ${problems[0].message}.`);
  } else {
    const text = String(value).trim();
    if (refSchema.safeParse(text).success) patch[kind] = text;
    else refuse("value_invalid", `The ${kind} must be a text of at most 200 characters without control characters.`);
  }
}
