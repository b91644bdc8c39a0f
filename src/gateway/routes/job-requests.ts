/** What POST /jobs takes: a type with its payload, or the flat body of a document job (seed S2). */
import { z } from "zod";
import { isJobType, type JobType } from "../../../contract/job-types.ts";
import { definitionOf } from "../../../contract/job-types.ts";
import { AppError } from "../../errors.ts";
import { jobTypes } from "../../jobs/job-type-view.ts";
import type { JobTerms } from "../../jobs/new-job-store.ts";
import { payloadSchema } from "../../jobs/payload-schema.ts";
import { validate } from "../middleware/validate-request.ts";

export const moment = z.iso
  .datetime({
    offset: true,
    error: "must be a moment as ISO 8601 with its offset, e.g. 2027-01-31T18:00:00Z",
  })
  // PostgreSQL has no year 0, and JavaScript writes those behind 9999 in a way that it does not read.
  .refine((text) => /^\d{4}-/.test(inUtc(text)) && !inUtc(text).startsWith("0000"), {
    error: "must be from the year 1 to the year 9999, in UTC",
  });

const title = z.string().min(1).max(200).meta({ description: "What people call it" });

const MAX_RETRIES = 1_000;

/** What a request may say of any job. */
export const terms = {
  title: title.optional(),
  priority: z
    .int()
    .min(1, { error: "must be from 1 (first) to 5 (last)" })
    .max(5, { error: "must be from 1 (first) to 5 (last)" })
    .optional()
    .meta({ description: "1 first, 5 last; 3 by default" }),
  deadline: moment.optional().meta({
    description: "ISO 8601, in the future: a job that has not ended by then is ended as failed, `deadline_exceeded`",
  }),
  expires_at: moment.optional().meta({ description: "ISO 8601: from then on maintenance may remove the ended job" }),
  max_retries: z
    .int()
    .min(0)
    .max(MAX_RETRIES)
    .optional()
    .meta({ description: "Retries until it is a dead letter; what its type says by default" }),
};

const typedBody = z.strictObject({
  type: z.string().meta({ description: "One of GET /job-types" }),
  payload: z.record(z.string(), z.unknown()).default({}),
  ...terms,
});

const DOCUMENT_FORMATS = ["spreadsheet", "document", "pdf", "presentation"] as const;
const DOCUMENTS = "document_generation";

const flatBody = z.strictObject({
  documentType: z.enum(DOCUMENT_FORMATS),
  title,
  code: z.string().min(1).meta({ description: "JavaScript that returns the document's specification" }),
  priority: z.int().optional().meta({
    description:
      "Any whole number, more is more urgent, 0 by default: 2 and above are our 1, 1 is 2, 0 is 3, -1 is 4, the rest 5",
  }),
  sessionId: z.unknown().optional().meta({ description: "Not used" }),
  messageId: z.unknown().optional().meta({ description: "Not used" }),
  userId: z.unknown().optional().meta({ description: "Not used: who asks is told by the key" }),
});

/** A whole number of which more is more urgent, 0 the default, as Temporal's priority: 1 first, 5 last. */
export const priorityOfSeeds = (urgency: number): number => Math.min(5, Math.max(1, 3 - urgency));

/** One schema per type, made of the table: a type that is added is described without a further line. */
function bodyOf(type: JobType): object {
  const { label, description, payload } = definitionOf(type);
  const shared = z.toJSONSchema(z.strictObject(terms), { io: "input" }).properties;
  const needsPayload = (payload.required?.length ?? 0) > 0;
  return {
    title: label,
    description,
    type: "object",
    properties: { type: { const: type }, payload, ...shared },
    required: needsPayload ? ["type", "payload"] : ["type"],
    additionalProperties: false,
  };
}

function described(schema: z.ZodType, label: string): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return { title: label, ...rest };
}

/** Checked by `readJobRequest`, which knows the type: a union of all would tell what is wrong with each of them. */
export const jobRequestBody = z
  .looseObject({})
  .meta({ oneOf: [...jobTypes().map(bodyOf), described(flatBody, "Document, in the words of before")] });

export interface RequestedJob {
  type: JobType;
  /** With its defaults. */
  payload: Record<string, unknown>;
  terms: JobTerms;
}

/** `demand`: throws where the caller may not start the type; before its payload is looked at. Errors: invalid_request, job_type_unknown. */
export function readJobRequest(body: Record<string, unknown>, demand: (type: JobType) => void): RequestedJob {
  const { type, payload, at, terms: given } = "documentType" in body ? readFlat(body) : readTyped(body);
  if (!isJobType(type)) throw new AppError("job_type_unknown", { type, types: jobTypes().join(", ") });
  demand(type);
  const [read] = validate([{ place: "body", at, schema: payloadSchema(type), value: payload }]);
  return { type, payload: read as Record<string, unknown>, terms: given };
}

interface Read {
  type: string;
  payload: unknown;
  /** Where the payload stands in the body. */
  at: string;
  terms: JobTerms;
}

function readTyped(body: unknown): Read {
  const [read] = validate([{ place: "body", schema: typedBody, value: body }]) as [z.output<typeof typedBody>];
  const { type, payload, ...said } = read;
  return { type, payload, at: "/payload", terms: splitTerms(said).terms };
}

/** What a body says of the job, and the rest. */
export function splitTerms<Body extends z.output<z.ZodObject<typeof terms>>>(
  body: Body,
): { terms: JobTerms; rest: Omit<Body, keyof typeof terms> } {
  const { title, priority, max_retries, deadline, expires_at, ...rest } = body;
  const said = { title, priority, max_retries, deadline_at: deadline && inUtc(deadline) };
  const all = { ...said, expires_at: expires_at && inUtc(expires_at) };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return { terms: given as JobTerms, rest };
}

function readFlat(body: unknown): Read {
  const [read] = validate([{ place: "body", schema: flatBody, value: body }]) as [z.output<typeof flatBody>];
  const { documentType: format, title: name, code, priority } = read;
  const urgency = priority === undefined ? {} : { priority: priorityOfSeeds(priority) };
  return { type: DOCUMENTS, payload: { format, title: name, code }, at: "", terms: { title: name, ...urgency } };
}

/** PostgreSQL takes fewer offsets than ISO 8601 has. */
export function inUtc(text: string): string {
  return new Date(text).toISOString();
}
