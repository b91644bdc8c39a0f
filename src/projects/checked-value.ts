/** Schemas of values that are checked by hand: zod would copy every member, and make a problem of each wrong one. */
import { z } from "zod";

export interface Fault {
  /** Within the value. */
  path: (string | number)[];
  message: string;
}

/** Wrong places that are named in one value. */
const MAX_FAULTS = 10;

/** Takes the value as it is if `faultsOf` yields nothing; it is asked no further than problems are told. `json`: its JSON Schema. */
export function checkedValue<T>(
  faultsOf: (value: unknown) => Iterable<Fault>,
  json: Record<string, unknown>,
): z.ZodType<T> {
  const schema = z.unknown().superRefine((value, context) => {
    let count = 0;
    for (const { path, message } of faultsOf(value)) {
      context.addIssue({ code: "custom", path, message });
      if ((count += 1) === MAX_FAULTS) return;
    }
  });
  return schema.meta(json) as unknown as z.ZodType<T>;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
