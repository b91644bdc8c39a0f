/** A value against a schema: what it became, or everything that is wrong with it, each with its place and what was there. */
import type { z } from "zod";
import type { Problem } from "../../contract/problem.ts";
import { whyNotStorable } from "../json/storable-json.ts";

/** Characters of a value in a problem. */
const MAX_VALUE = 100;

/** Problems that are told one by one; nobody reads more, and a small body can hold a hundred thousand. */
const MAX_PROBLEMS = 100;

/** `count`: of all problems, of which `problems` has the first hundred. */
export type Judged<Schema extends z.ZodType> =
  | { data: z.output<Schema>; problems: []; count: 0 }
  | { data?: undefined; problems: [Problem, ...Problem[]]; count: number };

/**
 * `whyNotStorable` comes first, under the code `not_storable`: schemas recurse, and what is nested without end would overflow
 * the stack.
 */
export function judge<Schema extends z.ZodType>(schema: Schema, value: unknown): Judged<Schema> {
  const unstorable = whyNotStorable(value);
  if (unstorable) return { problems: [{ code: "not_storable", path: "", message: unstorable }], count: 1 };
  const result = schema.safeParse(value, { error: say });
  if (result.success) return { data: result.data, problems: [], count: 0 };
  const { issues } = result.error;
  const count = issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);
  const problems = issues.slice(0, MAX_PROBLEMS).flatMap((issue) => problemsOf(issue, value));
  return { problems: problems.slice(0, MAX_PROBLEMS) as [Problem, ...Problem[]], count };
}

/** Where zod's own words leave out what was given or what may be. */
function say(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "invalid_value") return oneOf(issue.input, issue.values);
  if (issue.code === "invalid_union" && issue.discriminator !== undefined) {
    const given = (issue.input as Record<string, unknown> | null)?.[issue.discriminator];
    return oneOf(given, (issue.options ?? []) as unknown[]);
  }
  if (issue.code === "invalid_type" && issue.input === null) return `it is null; ${issue.expected} is expected`;
  if (issue.code === "too_small" && issue.origin === "string" && issue.minimum === 1) return "must not be empty";
  return undefined;
}

function oneOf(given: unknown, values: readonly unknown[]): string {
  const allowed = values.map(String).join(", ");
  if (given === undefined) return `it is missing; ${values.length > 1 ? "one of " : ""}${allowed} is expected`;
  return `${JSON.stringify(shortened(given))} is not ${values.length > 1 ? "one of " : ""}${allowed}`;
}

function problemsOf(issue: z.core.$ZodIssue, input: unknown): Problem[] {
  const path = issue.path as (string | number)[];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, MAX_PROBLEMS).map((key) => ({
      code: "unknown_field",
      path: pointer([...path, key]),
      message: `there is no field ${JSON.stringify(key)} here`,
      ...shown(at(input, [...path, key])),
    }));
  }
  const value = at(input, path);
  if (issue.code === "invalid_type" && value === undefined) {
    return [{ code: "required", path: pointer(path), message: `it is missing; ${issue.expected} is expected` }];
  }
  if (issue.code === "custom" && value === undefined)
    return [{ code: "required", path: pointer(path), message: `it is missing; it ${issue.message}` }];
  return [{ code: issue.code, path: pointer(path), message: issue.message, ...shown(value) }];
}

function shown(value: unknown): { value?: unknown } {
  return value === undefined ? {} : { value: shortened(value) };
}

/** The value itself, or the beginning of its JSON where that is long. */
function shortened(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text.length <= MAX_VALUE ? value : `${text.slice(0, MAX_VALUE).toWellFormed()}…`;
}

function at(input: unknown, path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string | number, unknown> | null | undefined)?.[key],
    input,
  );
}

/** A JSON pointer (RFC 6901). */
function pointer(path: (string | number)[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
