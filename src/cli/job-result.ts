/** What a job has brought about, in the words of its type's result schema, and the files that it has made. */
import { JOB_TYPES } from "../../contract/job-types.ts";
import type { JobTypeDefinition } from "../../contract/job-type-definition.ts";
import type { JsonSchema } from "../../contract/json-schema.ts";
import { printable, shortened } from "../../contract/printable.ts";

/** Longer texts are digests and addresses: nobody reads them in a line. */
const MAX_TEXT = 40;
const MAX_LIST = 80;

export type JobResult = Record<string, unknown>;

/** A file that the result names. */
export interface JobFile {
  /** The result's member: `artifact` is what the job was for. */
  member: string;
  /** Of the artifact. */
  id: string;
  /** As people call it, where the result says. */
  name?: string;
}

/** In the order of the type's schema; behind them what only a newer server knows. */
function membersOf(type: string, result: JobResult): [member: string, schema: JsonSchema][] {
  const known = (JOB_TYPES as Record<string, JobTypeDefinition>)[type]?.result.properties ?? {};
  return [...new Set([...Object.keys(known), ...Object.keys(result)])].map((member) => [member, known[member] ?? {}]);
}

/** The schema's descriptions tell the members that are artifacts: `Artifact: …`. */
export function filesOf(type: string, result: JobResult): JobFile[] {
  return membersOf(type, result).flatMap(([member, { description = "" }]) => {
    const value = result[member];
    const { id, artifact, name } = Object(value) as { id?: unknown; artifact?: unknown; name?: unknown };
    const found = description.startsWith("Artifact:") ? value : (id ?? artifact);
    return typeof found === "string" ? [{ member, id: found, ...(typeof name === "string" ? { name } : {}) }] : [];
  });
}

/** `added 68 · changed 0 · layers north-bank, south-bank`: numbers, short texts, lists and counts; what is nested else is left out. */
export function resultText(type: string, result: JobResult): string {
  const files = new Set(filesOf(type, result).map(({ member }) => member));
  return membersOf(type, result)
    .filter(([member]) => !files.has(member))
    .flatMap(([member, schema]) => {
      const words = member.replaceAll("_", " ");
      const text = valueText(result[member], schema);
      return text === null ? [] : [text === "" ? words : `${words} ${text}`];
    })
    .join(" · ");
}

/** Null: it is not told; empty: its name says all. */
function valueText(value: unknown, schema: JsonSchema): string | null {
  if (value === true) return "";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value === "" || value.length > MAX_TEXT ? null : printable(value);
  if (Array.isArray(value)) {
    const isPlain = value.length > 0 && value.every((each) => typeof each === "string" || typeof each === "number");
    return isPlain ? shortened(printable(value.join(", ")), MAX_LIST) : null;
  }
  // Counts by a name, like the members of a group by their states.
  if (!schema.additionalProperties || value === null || typeof value !== "object") return null;
  const counts = Object.entries(value).filter(([, count]) => typeof count === "number" && count > 0);
  const told = counts.map(([name, count]) => `${name.replaceAll("_", " ")} ${count}`).join(", ");
  return told === "" ? "nothing" : printable(shortened(told, MAX_LIST));
}
