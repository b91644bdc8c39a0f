/** Path parameters, query and body against a route's schemas: every problem at once, each with what was sent. */
import { z } from "zod";
import type { Problem } from "../../../contract/publish.ts";
import { AppError } from "../../errors.ts";
import { whyNotStorable } from "../../projects/storable-json.ts";

type Place = "path" | "query" | "body";

/** Longer values are cut in answers. */
const MAX_VALUE = 200;

/** A route's schema as it is applied and described: unknown fields are errors unless the schema says what they may be. */
export function strict(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodObject && schema.def.catchall === undefined ? schema.strict() : schema;
}

export interface Input {
  place: Place;
  schema: z.ZodType | undefined;
  value: unknown;
  /** JSON pointer of the value within the place; its root by default. */
  at?: string;
}

/** Answers the parsed values in the same order. Error: `invalid_request`. */
export function validate(inputs: Input[]): unknown[] {
  const problems: (Problem & { in: Place })[] = [];
  const parsed = inputs.map(({ place, schema, value, at: base = "" }) => {
    const unstorable = whyNotStorable(value);
    if (unstorable) problems.push({ in: place, code: "not_storable", path: base, message: unstorable });
    // Also keeps what is nested without end away from everything that recurses.
    if (unstorable || !schema) return undefined;
    const result = strict(schema).safeParse(value);
    if (result.success) return result.data;
    problems.push(
      ...result.error.issues.flatMap((issue) =>
        problemsOf(issue, value).map((each) => ({ ...each, in: place, path: base + each.path })),
      ),
    );
    return undefined;
  });
  const [first] = problems;
  if (!first) return parsed;
  const name = first.path === "" ? `the ${first.in}` : `${first.path.slice(1)} in the ${first.in}`;
  throw new AppError("invalid_request", { count: problems.length, first: `${name}: ${first.message}` }, { problems });
}

function problemsOf(issue: z.core.$ZodIssue, input: unknown): Problem[] {
  const path = issue.path as (string | number)[];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
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
  return [{ code: issue.code, path: pointer(path), message: issue.message, ...shown(value) }];
}

function shown(value: unknown): { value?: unknown } {
  if (value === undefined) return {};
  const text = JSON.stringify(value);
  return { value: text.length <= MAX_VALUE ? value : `${text.slice(0, MAX_VALUE)}…` };
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
