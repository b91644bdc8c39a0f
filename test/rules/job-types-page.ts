/** docs/job-types.md, made of the table of job types: what people read is what the server does. */
import type { JsonSchema } from "../../contract/json-schema.ts";
import { definitionOf, JOB_TYPES, type JobType } from "../../contract/job-types.ts";

const HEAD = `# Job types

What can be started with \`POST /jobs {"type": …, "payload": …}\` and \`platen start TYPE\`. This page is made of [contract/job-types.ts](../contract/job-types.ts)
(\`npm run job-types\` writes it anew, a test holds it); \`GET /job-types\` answers the same, with the JSON Schemas. How a type is added:
[adding-a-job-type.md](adding-a-job-type.md).
`;

export function jobTypesPage(): string {
  return `${[HEAD, ...(Object.keys(JOB_TYPES) as JobType[]).map(section)].join("\n")}`;
}

function section(type: JobType): string {
  const { label, description, task_queue, role, resource, timeout_seconds, max_retries, size_unit, ...row } =
    definitionOf(type);
  const { capabilities, steps, child_types, uploads, payload, result } = row;
  const can = [...(capabilities.cancel ? ["cancelled"] : []), ...(capabilities.retry ? ["retried"] : [])].join(" and ");
  const lines = [
    `Queue \`${task_queue}\`, role \`${role}\`, about a ${about(resource)}`,
    `Steps: ${steps.map((step) => `\`${step.name}\` to ${step.percent} %`).join(", ")}`,
    `Takes ${duration(timeout_seconds)} at most, can be ${can || "neither cancelled nor retried"}, and is a dead letter after ${max_retries} retries`,
    ...(size_unit === null ? [] : [`Its size, by which its end is foretold, is counted in ${size_unit}`]),
    ...(capabilities.throttled === null ? [] : [`At most ${capabilities.throttled} at a time per tenant`]),
    ...(child_types.length > 0 ? [`Starts ${child_types.map((each) => `\`${each}\``).join(", ")}`] : []),
    ...(uploads.length > 0 ? [`Keeps the upload that ${uploads.map(placeOf).join(", ")} names`] : []),
  ];
  return [
    `### \`${type}\``,
    "",
    `**${label}.** ${description}`,
    "",
    ...lines.map((line) => `- ${line}.`),
    "",
    "Payload:",
    "",
    ...fields(payload),
    "",
    "Result:",
    "",
    ...fields(result),
    "",
  ].join("\n");
}

const placeOf = (pointer: string): string => `\`${pointer.slice(1).replaceAll("/*", "[]").replaceAll("/", ".")}\``;

const about = (resource: string): string =>
  resource.endsWith("?") ? `${resource.slice(0, -1)}, or about none` : resource;

function duration(seconds: number): string {
  if (seconds % 86_400 === 0) return seconds === 86_400 ? "a day" : `${seconds / 86_400} days`;
  return seconds % 3_600 === 0 ? `${seconds / 3_600} h` : `${seconds / 60} min`;
}

function fields(schema: JsonSchema): string[] {
  const known = Object.entries(schema.properties ?? {});
  if (known.length === 0) return ["- nothing"];
  return known.map(([name, each]) => {
    const needed = schema.required?.includes(name) ? "" : ", optional";
    const fallback = each.default === undefined ? "" : `, \`${JSON.stringify(each.default)}\` by default`;
    return `- \`${name}\` (${kindOf(each)}${needed}${fallback})${each.description ? `: ${each.description}` : ""}`;
  });
}

function kindOf({ type, enum: values, anyOf, oneOf, format }: JsonSchema): string {
  if (values) return values.map((value) => `\`${String(value)}\``).join(" | ");
  const forms = anyOf ?? oneOf;
  if (forms) return [...new Set(forms.map(kindOf))].join(" | ");
  return format ?? [type ?? "anything"].flat().join(" | ");
}
