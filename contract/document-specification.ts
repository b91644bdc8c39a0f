/**
 * What a document is made of, whatever its format: blocks, one after the other. In a spreadsheet each table is a sheet of its own, and
 * what stands around them is the first; in a presentation a heading of level 1 and a page break begin a slide.
 */
import type { JsonSchema } from "./json-schema.ts";

export const COLUMN_TYPES = ["text", "number", "integer", "percent", "date", "datetime", "boolean"] as const;

export type ColumnType = (typeof COLUMN_TYPES)[number];

export interface Column {
  header: string;
  /** What its cells hold; `text` by default. Times are shown in the document's time zone, which the header then names. */
  type?: ColumnType;
  /** A number format of spreadsheets, e.g. `#,##0.00`. */
  format?: string;
  /** Characters; by default what the cells need. */
  width?: number;
  /** Of a table whose `source` is `overlays`: `ref`, `type`, `layer`, `label`, `label.ar`, `area`, `properties.use`. */
  field?: string;
}

/** A text that begins with `=` is a text: only `formula` is one. `value`: what formats without formulas show. */
export type Cell =
  | string
  | number
  | boolean
  | null
  | { formula: string; value?: string | number | boolean }
  | { date: string }
  | { text: string; link: string };

export interface Heading {
  type: "heading";
  text: string;
  /** 1 to 3; 1 by default. */
  level?: 1 | 2 | 3;
}

export interface Paragraph {
  type: "paragraph";
  text: string;
  bold?: boolean;
  /** Otherwise as the document. */
  direction?: "ltr" | "rtl";
}

export interface List {
  type: "list";
  items: string[];
  ordered?: boolean;
}

export interface Table {
  type: "table";
  /** Name of its sheet. */
  title?: string;
  columns: Column[];
  rows?: Cell[][];
  /** Its rows are the version's overlays. */
  source?: "overlays";
}

export interface Picture {
  type: "picture";
  /** Id of the artifact. */
  artifact: string;
  caption?: string;
  /** Millimetres on paper; by default as wide as fits. */
  width?: number;
}

export interface MapView {
  type: "map_view";
  caption?: string;
  /** Refs of the layers to draw; all that are shown at first by default. */
  layers?: string[];
  /** Are labels drawn? */
  labels?: boolean;
  width?: number;
}

export interface QrCode {
  type: "qr_code";
  text: string;
  caption?: string;
}

export interface PageBreak {
  type: "page_break";
}

export type Block = Heading | Paragraph | List | Table | Picture | MapView | QrCode | PageBreak;

export interface DocumentSpecification {
  /** BCP 47; `en` by default. Decides which label of an overlay is shown, and the direction. */
  language?: string;
  /** By default what the language is written in. */
  direction?: "ltr" | "rtl";
  /** IANA name; `UTC` by default. */
  time_zone?: string;
  page?: { size?: "A4" | "A3" | "Letter"; orientation?: "portrait" | "landscape" };
  content: Block[];
}

/** In all tables together; what a spreadsheet of 200 MB holds. */
export const MAX_CELLS = 2_000_000;
export const MAX_BLOCKS = 10_000;
/** Of what is fetched, drawn or computed for one block: blocks of a kind. */
export const MAX_OF: Partial<Record<Block["type"], number>> = { picture: 100, qr_code: 100, map_view: 20 };
/** Of all pictures together that were brought, each counted once. */
export const MAX_PICTURE_BYTES_IN_ALL = 209_715_200;
export const MAX_COLUMNS = 256;
/** A spreadsheet has no more, with its header. */
export const MAX_ROWS = 1_048_575;
/** Characters that a cell of a spreadsheet may hold. */
export const MAX_CELL_TEXT = 32_767;

const text = (maxLength: number, description?: string): JsonSchema => ({
  type: "string",
  maxLength,
  ...(description ? { description } : {}),
});
const direction: JsonSchema = { enum: ["ltr", "rtl"] };
const width: JsonSchema = { type: "number", minimum: 10, maximum: 400, description: "Millimetres on paper" };

const column: JsonSchema = {
  type: "object",
  properties: {
    header: text(1_000),
    type: { enum: COLUMN_TYPES, description: "text by default" },
    format: {
      type: "string",
      maxLength: 60,
      pattern: "^[#0?,. %+()/:ymdhsYMDHS€$£¥-]+$",
      description: "Number format, e.g. #,##0.00",
    },
    width: { type: "number", minimum: 1, maximum: 255, description: "Characters" },
    field: {
      type: "string",
      maxLength: 200,
      pattern: "^(ref|type|layer|area|label(\\..+)?|properties\\..+)$",
      description: "Where source is overlays: ref, type, layer, area, label, label.ar, properties.use",
    },
  },
  required: ["header"],
  additionalProperties: false,
};

const cell: JsonSchema = {
  anyOf: [
    text(MAX_CELL_TEXT),
    { type: ["number", "boolean", "null"] },
    {
      type: "object",
      properties: { formula: text(8_192), value: { type: ["string", "number", "boolean"] } },
      required: ["formula"],
      additionalProperties: false,
    },
    {
      type: "object",
      properties: { date: text(40, "ISO 8601") },
      required: ["date"],
      additionalProperties: false,
    },
    {
      type: "object",
      properties: { text: text(MAX_CELL_TEXT), link: text(2_000, "http, https or mailto") },
      required: ["text", "link"],
      additionalProperties: false,
    },
  ],
};

const block = (properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema => ({
  type: "object",
  properties: { type: { type: "string" }, ...properties },
  required: ["type", ...required],
  additionalProperties: false,
});

/** Each kind of block, by its `type`. */
export const BLOCK_SCHEMAS: Record<Block["type"], JsonSchema> = {
  heading: block(
    { text: text(10_000), level: { type: "integer", minimum: 1, maximum: 3, description: "1 by default" } },
    ["text"],
  ),
  paragraph: block({ text: text(100_000), bold: { type: "boolean" }, direction }, ["text"]),
  list: block({ items: { type: "array", items: text(10_000), maxItems: 10_000 }, ordered: { type: "boolean" } }, [
    "items",
  ]),
  table: block(
    {
      title: text(1_000, "Name of its sheet in a spreadsheet"),
      columns: { type: "array", items: column, minItems: 1, maxItems: MAX_COLUMNS },
      rows: { type: "array", items: { type: "array", items: cell }, maxItems: MAX_ROWS },
      source: {
        enum: ["overlays"],
        description: "Instead of rows: the version's overlays; each column names its field",
      },
    },
    ["columns"],
  ),
  picture: block({ artifact: { type: "string", description: "Id of the artifact" }, caption: text(10_000), width }, [
    "artifact",
  ]),
  map_view: block({
    caption: text(10_000),
    layers: {
      type: "array",
      items: text(200),
      maxItems: 1_000,
      description: "Refs; all that are shown at first by default",
    },
    labels: { type: "boolean", description: "true by default" },
    width,
  }),
  qr_code: block({ text: { type: "string", minLength: 1, maxLength: 1_000 }, caption: text(10_000) }, ["text"]),
  page_break: block({}),
};

/** Of all but what is inside the blocks: they are checked one by one, so that what is wrong is told by its place. */
export const SPECIFICATION_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    language: { type: "string", pattern: "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", description: "BCP 47; en by default" },
    direction: { enum: ["ltr", "rtl"], description: "By default what the language is written in" },
    time_zone: { type: "string", maxLength: 64, description: "IANA name; UTC by default" },
    page: {
      type: "object",
      properties: { size: { enum: ["A4", "A3", "Letter"] }, orientation: { enum: ["portrait", "landscape"] } },
      additionalProperties: false,
    },
    content: {
      type: "array",
      maxItems: MAX_BLOCKS,
      items: {
        type: "object",
        properties: { type: { enum: Object.keys(BLOCK_SCHEMAS) } },
        required: ["type"],
        additionalProperties: true,
      },
    },
  },
  required: ["content"],
  additionalProperties: false,
};
