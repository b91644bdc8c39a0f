/** The document generation job: a file made of a specification, a report or code. Never reorder or rename fields: histories hold them. */
import { SPECIFICATION_SCHEMA, type DocumentSpecification } from "./document-specification.ts";
import type { JobTypeDefinition } from "./job-type-definition.ts";

/** The stall limit is what a code that runs into its limit and the largest document go without a report, and some. */
export const DOCUMENT_GENERATION_STEPS = [
  { name: "generate", activity: "generateDocument", label: "Generate the document", percent: 100, stall_seconds: 420 },
] as const;

/** What a document may be, with what its file is called and how it is told to browsers. */
export const DOCUMENT_FORMATS = {
  spreadsheet: { extension: "xlsx", media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
  document: {
    extension: "docx",
    media_type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  },
  pdf: { extension: "pdf", media_type: "application/pdf" },
  presentation: {
    extension: "pptx",
    media_type: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  },
} as const;

export type DocumentFormat = keyof typeof DOCUMENT_FORMATS;

export const REPORTS = ["release"] as const;

/** Seconds that `code` may run, and bytes of memory that it may take. */
export const CODE_LIMITS = { seconds: 10, bytes: 67_108_864 } as const;

/** Exactly one of `specification`, `report` and `code`. */
export interface DocumentGenerationPayload {
  format: DocumentFormat;
  title: string;
  project?: string;
  version?: number;
  specification?: DocumentSpecification;
  report?: (typeof REPORTS)[number];
  /** JavaScript: the body of a function of `input`, which returns the specification. */
  code?: string;
}

export interface DocumentGenerationResult {
  artifact: { id: string; name: string; media_type: string; size: number; sha256: string };
  format: DocumentFormat;
  /** What is not in the document, one sentence each. */
  left_out: string[];
}

export const DOCUMENT_GENERATION = {
  label: "Document",
  description: "Makes a spreadsheet, a document, a PDF or a presentation to download.",
  icon: "file-text",
  color: "violet",
  workflow: "documentGeneration",
  task_queue: "documents",
  resource: "version?",
  resource_link: null,
  child_types: [],
  uploads: ["/specification/content/*/artifact"],
  steps: DOCUMENT_GENERATION_STEPS,
  role: "operator",
  capabilities: { cancel: true, retry: true, throttled: null },
  timeout_seconds: 86_400,
  max_retries: 3,
  size_unit: "blocks and cells",
  toasts: { completed: "{title} is ready", failed: "{title} was not made" },
  payload: {
    type: "object",
    properties: {
      format: {
        enum: Object.keys(DOCUMENT_FORMATS),
        description: "spreadsheet: xlsx, document: docx, presentation: pptx",
      },
      title: { type: "string", minLength: 1, maxLength: 200, description: "Of the document, and the name of its file" },
      project: { type: "string", minLength: 1, description: "Slug; for a map view, overlays, a report" },
      version: { type: "integer", minimum: 1, maximum: 2_147_483_647 },
      specification: SPECIFICATION_SCHEMA,
      report: { enum: REPORTS, description: "release: what a published version is, and what has changed" },
      code: {
        type: "string",
        minLength: 1,
        maxLength: 262_144,
        description:
          "JavaScript: the body of a function of `input` ({title, project, version}) that returns the specification",
      },
    },
    required: ["format", "title"],
    additionalProperties: false,
  },
  result: {
    type: "object",
    properties: {
      artifact: {
        type: "object",
        properties: {
          id: { type: "string", format: "uuid" },
          name: { type: "string" },
          media_type: { type: "string" },
          size: { type: "integer", description: "Bytes" },
          sha256: { type: "string" },
        },
        required: ["id", "name", "media_type", "size", "sha256"],
      },
      format: { enum: Object.keys(DOCUMENT_FORMATS) },
      left_out: { type: "array", items: { type: "string" }, description: "What is not in it, one sentence each" },
    },
    required: ["artifact", "format", "left_out"],
  },
} as const satisfies JobTypeDefinition;
