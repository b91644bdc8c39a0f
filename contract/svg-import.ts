/** The svg_import job: a plan becomes layers and overlays of a draft. Never reorder or rename fields: histories hold them. */
import type { JobTypeDefinition } from "./job-type-definition.ts";

/** The longest silence is the merge of one batch into a draft of 100,000 overlays. */
export const SVG_IMPORT_STEPS = [
  { name: "import_plan", activity: "importPlan", label: "Import the plan", percent: 100, stall_seconds: 120 },
] as const;

export interface SvgImportPayload {
  /** Slug. */
  project: string;
  version: number;
  /** An uploaded file. */
  source: { artifact: string };
  /** Before the ref of each layer. */
  layer_prefix?: string;
  /** Of overlays that say none. */
  type?: string;
  /** Pixels that the plan's own size becomes: those of the picture that it lies on. */
  size?: { width: number; height: number };
  /** Read it and say what would change; the draft stays as it is. */
  dry_run?: boolean;
}

export interface SvgImportResult {
  dry_run: boolean;
  /** Overlays that the draft did not have. */
  added: number;
  /** Overlays that it had otherwise. */
  changed: number;
  unchanged: number;
  /** Overlays of the draft that the plan does not have: they stay. */
  kept: number;
  /** Elements that could not be imported. */
  left_out: number;
  /** Ids that could not be refs as they are. */
  renamed: number;
  /** Overlays whose ref was made up: give them ids, or the next import may take one for another. */
  without_id: number;
  /** Refs of the layers of the plan. */
  layers: string[];
  /** Of the plan, in pixels; null for one that says none. */
  size: { width: number; height: number } | null;
  /** Artifact (NDJSON): each overlay that was added, changed, kept or renamed. */
  changes: string;
  /** Artifact (NDJSON): what was left out, and why; null when that is nothing. */
  errors_artifact: string | null;
}

const count = { type: "integer", minimum: 0 } as const;
const size = {
  type: "object",
  properties: { width: { type: "number" }, height: { type: "number" } },
  required: ["width", "height"],
} as const;

export const SVG_IMPORT = {
  label: "Plan import",
  description: "Reads an SVG plan into layers and overlays of a draft; importing it again updates them by their refs.",
  icon: "shapes",
  color: "teal",
  workflow: "svgImport",
  task_queue: "import",
  resource: "draft",
  resource_link: "/projects/{project}/versions/{version}",
  child_types: [],
  uploads: ["/source/artifact"],
  steps: SVG_IMPORT_STEPS,
  role: "operator",
  capabilities: { cancel: true, retry: true, throttled: 4 },
  timeout_seconds: 21_600,
  max_retries: 3,
  size_unit: "bytes of the plan",
  toasts: {
    completed: "{project} v{version}: {added} overlays added, {changed} changed",
    failed: "The plan could not be imported into {project} v{version}",
  },
  payload: {
    type: "object",
    properties: {
      project: { type: "string", description: "Slug of the project" },
      version: { type: "integer", minimum: 1, description: "Number of a version that is not published" },
      source: {
        type: "object",
        properties: { artifact: { type: "string", format: "uuid", description: "Id that the upload answered" } },
        required: ["artifact"],
        additionalProperties: false,
      },
      layer_prefix: {
        type: "string",
        maxLength: 50,
        pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        description: "Before the ref of each layer",
      },
      type: {
        type: "string",
        minLength: 1,
        maxLength: 200,
        pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        description: "Type of overlays that say none by data-type; overlay by default",
      },
      size: {
        type: "object",
        properties: {
          width: { type: "number", minimum: 1, maximum: 2_147_483_647 },
          height: { type: "number", minimum: 1, maximum: 2_147_483_647 },
        },
        required: ["width", "height"],
        additionalProperties: false,
        description: "Pixels of the picture that the plan lies on; by default the plan's own size in CSS pixels",
      },
      dry_run: { type: "boolean", default: false, description: "Only say what would change" },
    },
    required: ["project", "version", "source"],
    additionalProperties: false,
  },
  result: {
    type: "object",
    properties: {
      ...{ dry_run: { type: "boolean" }, added: count, changed: count, unchanged: count, kept: count, left_out: count },
      ...{ renamed: count, without_id: count, layers: { type: "array", items: { type: "string" } } },
      size: { anyOf: [size, { type: "null" }] },
      changes: { type: "string", format: "uuid", description: "Artifact: what became of each overlay (NDJSON)" },
      errors_artifact: { type: ["string", "null"], description: "Artifact: what was left out (NDJSON)" },
    },
    required: [
      "dry_run",
      "added",
      "changed",
      "unchanged",
      "kept",
      "left_out",
      "renamed",
      "without_id",
      "layers",
      "changes",
    ],
  },
} as const satisfies JobTypeDefinition;
