/** Whole numbers in paths and queries, where everything is text. */
import { z } from "zod";

/** What PostgreSQL's `int` holds. */
export const MAX_INT = 2_147_483_647;

/**
 * Digits and nothing else: what JavaScript reads as a number besides (`0x1`, `1e0`, ` 1`) is a mistake in a path. Required
 * without `fallback`.
 */
export function wholeNumber(min: number, max: number, fallback?: number): z.ZodType<number> {
  const error = `must be a whole number from ${min} to ${max}, in digits`;
  const schema = z.preprocess(
    (text) => (typeof text === "string" && /^\d{1,10}$/.test(text) ? Number(text) : text),
    z.int({ error }).min(min, { error }).max(max, { error }),
  );
  // The description would not have the default otherwise: it is made of what comes after the preprocessing.
  return fallback === undefined ? schema : schema.default(fallback).meta({ default: fallback });
}
