/** A job type's payload, as its JSON Schema says it: in words, and held against what somebody has typed. */
import { z } from "zod";
import type { JsonSchema } from "../../contract/json-schema.ts";
import { judge } from "../projects/schema-problems.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";

/** `project (string), version (integer), [target_environment (dev | staging | production)]` */
export function payloadText(schema: JsonSchema): string {
  const fields = Object.entries(schema.properties ?? {}).map(([name, each]) => {
    const text = `${name} (${kindOf(each)})`;
    return schema.required?.includes(name) ? text : `[${text}]`;
  });
  return fields.length > 0 ? fields.join(", ") : "no payload";
}

function kindOf({ enum: values, type, anyOf, oneOf }: JsonSchema): string {
  if (values) return values.map(String).join(" | ");
  const forms = anyOf ?? oneOf;
  return forms ? [...new Set(forms.map(kindOf))].join(" | ") : [type ?? "anything"].flat().join(" | ");
}

/** Error: payload_invalid, with every field that is wrong, before anything is asked of the server. */
export function checkPayload(type: string, schema: JsonSchema, payload: unknown): void {
  const judged = judge(z.fromJSONSchema(structuredClone(schema) as z.core.JSONSchema.JSONSchema), payload);
  if (judged.count === 0) return;
  throw new CliError(EXIT.usage, "payload_invalid", `The payload is not one of ${type}.`, {
    problems: judged.problems,
    lines: [`It takes: ${payloadText(schema)}.`],
  });
}
