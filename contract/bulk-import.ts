/** The bulk import: rows of a file become labels and properties of a draft's overlays, by ref. Never reorder or rename fields: histories hold them. */
import type { JobTypeDefinition } from "./job-type-definition.ts";

/**
 * Fetching counts bytes, reading bytes, applying rows. The stall limits are ten times what each goes without a report on a slow disk. Only
 * applying looks at the draft.
 */
export const BULK_IMPORT_STEPS = [
  {
    name: "fetch_file",
    activity: "fetchFile",
    label: "Fetch the file",
    percent: 15,
    stall_seconds: 120,
    independent: true,
  },
  {
    name: "read_rows",
    activity: "readRows",
    label: "Read and check the rows",
    percent: 65,
    stall_seconds: 60,
    independent: true,
  },
  { name: "apply_rows", activity: "applyRows", label: "Change the overlays", percent: 100, stall_seconds: 120 },
] as const;

export const IMPORT_FORMATS = ["csv", "tsv", "ndjson", "xlsx", "geojson"] as const;

export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** What a cell's text becomes. `auto`: what is written as a number or as true or false becomes that, all else stays text. */
export const CELL_TYPES = ["auto", "text", "number", "integer", "boolean", "date", "json"] as const;

export type CellType = (typeof CELL_TYPES)[number];

/** Where a column goes: a name (`ref`, `label`, `label_en`, `type`, `layer`, `visible`, `style`, `geometry`, or of a property), or null for nowhere. */
export type ColumnTarget = string | { to: string; type?: CellType } | null;

export interface BulkImportPayload {
  /** Slug; with `version` the draft. Without them the file is only checked. */
  project?: string;
  version?: number;
  source?: { artifact?: string; url?: string };
  /** The same as `source.url`. */
  file_url?: string;
  format?: ImportFormat;
  /** One character; detected by default. */
  delimiter?: string;
  /** A label of the WHATWG encoding standard, e.g. `windows-1252`; detected by default. */
  encoding?: string;
  /** Name of a sheet; the first one that is shown by default. */
  sheet?: string;
  /** Header of the column that holds the refs; `ref` or `id` by default. */
  ref_column?: string;
  /** By header, for columns that go elsewhere than their header says. */
  columns?: Record<string, ColumnTarget>;
  /** Kind of the overlays that are made for refs that the draft does not have; false by default: such rows are rejected. */
  create?: string | false;
  dry_run?: boolean;
}

/** The file, in the private store. */
export interface FetchedFile {
  key: string;
  /** As people see it. */
  name: string;
  media_type: string;
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
}

/** What reading the file has left in the table of staged rows. */
export interface ReadRows {
  rows: number;
  /** Of them those that cannot be used, whatever the draft is. */
  malformed: number;
}

export interface BulkImportResult {
  dry_run: boolean;
  /** In the file, without its header and empty lines. */
  rows: number;
  /** unchanged + changed + created */
  imported: number;
  unchanged: number;
  changed: number;
  created: number;
  rejected: number;
  /** Id of the artifact that lists what was rejected; null for nothing. */
  errors_artifact: string | null;
}

const count = (description: string) => ({ type: "integer", minimum: 0, description }) as const;

export const BULK_IMPORT = {
  label: "Bulk import",
  description:
    "Takes labels and properties of a draft's overlays out of a CSV, TSV, NDJSON, XLSX or GeoJSON file, by ref.",
  icon: "table",
  color: "emerald",
  workflow: "bulkImport",
  task_queue: "import",
  resource: "draft?",
  resource_link: "/projects/{project}/versions/{version}",
  child_types: [],
  uploads: ["/source/artifact"],
  steps: BULK_IMPORT_STEPS,
  role: "admin",
  capabilities: { cancel: true, retry: true, throttled: 4 },
  timeout_seconds: 86_400,
  max_retries: 10,
  size_unit: "bytes of the file",
  toasts: {
    completed: "{imported} rows were imported into {project} version {version}",
    failed: "Nothing was imported into {project} version {version}",
  },
  payload: {
    type: "object",
    properties: {
      project: {
        type: "string",
        minLength: 1,
        description: "Slug; without project and version the file is only checked",
      },
      version: { type: "integer", minimum: 1, maximum: 2_147_483_647 },
      source: {
        type: "object",
        properties: {
          artifact: { type: "string", minLength: 1, description: "Id of an upload" },
          url: { type: "string", minLength: 1, maxLength: 4_000, description: "http or https" },
        },
        additionalProperties: false,
        description: "One of the two",
      },
      file_url: { type: "string", minLength: 1, maxLength: 4_000, description: "The same as source.url" },
      format: { enum: IMPORT_FORMATS, description: "Told by the bytes by default" },
      delimiter: { type: "string", minLength: 1, maxLength: 1, description: "Detected by default" },
      encoding: { type: "string", minLength: 1, maxLength: 40, description: "e.g. windows-1252; detected by default" },
      sheet: { type: "string", minLength: 1, maxLength: 31, description: "The first one that is shown by default" },
      ref_column: { type: "string", minLength: 1, maxLength: 200, description: "Its header; ref or id by default" },
      columns: {
        type: "object",
        additionalProperties: {
          anyOf: [
            { type: "null" },
            { type: "string", minLength: 1, maxLength: 200 },
            {
              type: "object",
              properties: { to: { type: "string", minLength: 1, maxLength: 200 }, type: { enum: CELL_TYPES } },
              required: ["to"],
              additionalProperties: false,
            },
          ],
        },
        description: "By header: where a column goes, and what its cells become; null for nowhere",
      },
      create: {
        anyOf: [{ const: false }, { type: "string", minLength: 1, maxLength: 200 }],
        default: false,
        description: "Kind of the overlays that are made for unknown refs; false: such rows are rejected",
      },
      dry_run: { type: "boolean", default: false, description: "The same report, and nothing is changed" },
    },
    additionalProperties: false,
  },
  result: {
    type: "object",
    properties: {
      dry_run: { type: "boolean" },
      rows: count("In the file, without its header and empty lines"),
      imported: count("unchanged + changed + created"),
      unchanged: count("Rows that say what is there already"),
      changed: count("Overlays"),
      created: count("Overlays"),
      rejected: count("Rows"),
      errors_artifact: { type: ["string", "null"], description: "Artifact: the rows that were rejected" },
    },
    required: ["dry_run", "rows", "imported", "unchanged", "changed", "created", "rejected", "errors_artifact"],
  },
} as const satisfies JobTypeDefinition;
