/** The payloads of job types, as zod checks them: with the same words for what is wrong as everywhere else. */
import { z } from "zod";
import { definitionOf, type JobType } from "../../contract/job-types.ts";

const schemas = new Map<JobType, z.ZodType>();

/** Made of the table's JSON Schema once. Fills in defaults. */
export function payloadSchema(type: JobType): z.ZodType<Record<string, unknown>> {
  const known =
    schemas.get(type) ?? z.fromJSONSchema(structuredClone(definitionOf(type).payload) as z.core.JSONSchema.JSONSchema);
  schemas.set(type, known);
  return known as z.ZodType<Record<string, unknown>>;
}
