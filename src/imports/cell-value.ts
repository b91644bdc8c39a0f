/** What the values of cells become. */
import type { CellType } from "../../contract/bulk-import.ts";
import { whyNotNumber } from "../json/exact-json.ts";
import { isObject } from "../projects/checked-value.ts";

export type Converted = { value: unknown } | { fault: string };

/** As JSON writes numbers: 007 and +49 are no numbers but codes. */
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const BOOLEANS = new Map([
  ...["true", "yes", "1"].map((word) => [word, true] as const),
  ...["false", "no", "0"].map((word) => [word, false] as const),
]);
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** Says nothing: the overlay keeps what it has. */
export const isNothing = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === "string" && value.trim() === "");

/** `value`: of a table a text, of JSON and workbooks also what they know better. */
export function convert(value: unknown, type: CellType): Converted {
  if (type === "auto") return { value: typeof value === "string" ? natural(value) : value };
  if (type === "json") return typeof value === "string" ? parsed(value) : { value };
  if (isObject(value) || Array.isArray(value)) return { fault: `must be ${A[type]}, and is an object or a list` };
  const text = typeof value === "string" ? value : String(value);
  if (type === "text") return { value: text };
  return CONVERTERS[type](text.trim());
}

const A = {
  text: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  date: "a date",
} as const;

function natural(text: string): unknown {
  const trimmed = text.trim();
  if (JSON_NUMBER.test(trimmed)) {
    const number = Number(trimmed);
    // What would not be kept as it is written stays a text.
    return Number.isFinite(number) && whyNotNumber(trimmed) === null ? number : text;
  }
  if (trimmed.length > 5) return text;
  const lower = trimmed.toLowerCase();
  return lower === "true" ? true : lower === "false" ? false : text;
}

function parsed(text: string): Converted {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { fault: "must be JSON" };
  }
}

const CONVERTERS: Record<Exclude<CellType, "auto" | "json" | "text">, (text: string) => Converted> = {
  number: toNumber,
  integer(text) {
    const converted = toNumber(text);
    if ("fault" in converted || Number.isSafeInteger(converted.value)) return converted;
    return { fault: "must be a whole number below 2⁵³" };
  },
  boolean(text) {
    const value = BOOLEANS.get(text.toLowerCase());
    return value === undefined ? { fault: "must be true or false, yes or no, 1 or 0" } : { value };
  },
  date(text) {
    const [, year, month, day] = DATE.exec(text) ?? [];
    if (year === undefined || !isDay(Number(year), Number(month), Number(day)))
      return { fault: "must be a date of the years 1 to 9999 as YYYY-MM-DD, perhaps with a time" };
    return { value: text };
  },
};

function toNumber(text: string): Converted {
  const number = JSON_NUMBER.test(text) || /^[+]?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(number))
    return whyNotNumber(text) === null ? { value: number } : { fault: "has more digits than are kept" };
  return {
    fault: Number.isNaN(number) ? "must be a number, with a point for decimals" : "must be a number below 1.8e308",
  };
}

function isDay(year: number, month: number, day: number): boolean {
  if (year < 1) return false;
  // Years below 100 would be taken for those of the last century.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
