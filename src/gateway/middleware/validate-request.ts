/** Path parameters, query and body against a route's schemas: every problem at once, each with what was sent. */
import { z } from "zod";
import type { Problem } from "../../../contract/problem.ts";
import { AppError } from "../../errors.ts";
import { judge } from "../../projects/schema-problems.ts";

type Place = "path" | "query" | "body";

/** A route's schema as it is applied and described: unknown fields are errors unless the schema says what they may be. */
export function strict(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodObject && schema.def.catchall === undefined ? schema.strict() : schema;
}

export interface Input {
  place: Place;
  /** Undefined: any value that can be stored, which is then given to nobody. */
  schema: z.ZodType | undefined;
  value: unknown;
  /** JSON pointer of the value within the place; its root by default. */
  at?: string;
}

/** Answers the parsed values in the same order. Error: `invalid_request`. */
export function validate(inputs: Input[]): unknown[] {
  const problems: (Problem & { in: Place })[] = [];
  let count = 0;
  const parsed = inputs.map(({ place, schema, value, at: base = "" }) => {
    const judged = judge(schema ? strict(schema) : z.unknown(), value);
    count += judged.count;
    problems.push(...judged.problems.map((each) => ({ ...each, in: place, path: base + each.path })));
    return schema && judged.data;
  });
  const [first] = problems;
  if (!first) return parsed;
  const name = first.path === "" ? `the ${first.in}` : `${first.path.slice(1)} in the ${first.in}`;
  throw new AppError("invalid_request", { count, first: `${name}: ${first.message}` }, { problems });
}
