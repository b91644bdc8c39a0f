/** The tile_generation job: a picture becomes the tile pyramid of a draft. Never reorder or rename fields: histories hold them. */
import type { JobTypeDefinition } from "./job-type-definition.ts";

export const TILE_LAYOUTS = ["dzi", "xyz"] as const;
export const CUT_FORMATS = ["jpeg", "png", "webp"] as const;

export type TileLayout = (typeof TILE_LAYOUTS)[number];
export type CutFormat = (typeof CUT_FORMATS)[number];

/** How a picture is cut, where the payload does not say. */
export const CUT_DEFAULTS = { layout: "dzi", format: "jpeg", quality: 80 } as const;

/** The same by layout. With the overlap, inner tiles are 256 pixels wide in both. */
export const SIZE_DEFAULTS = { dzi: { tile_size: 254, overlap: 1 }, xyz: { tile_size: 256, overlap: 0 } } as const;

export const TILE_GENERATION_STEPS = [
  { name: "measure", activity: "measurePicture", label: "Measure the picture", percent: 5, stall_seconds: 120 },
  { name: "generate", activity: "generateTiles", label: "Cut the tiles", percent: 95, stall_seconds: 300 },
  { name: "attach", activity: "attachTiles", label: "Attach the tiles to the draft", percent: 100, stall_seconds: 120 },
] as const;

export interface TileGenerationPayload {
  /** Slug. */
  project: string;
  version: number;
  /** Another picture than the draft's own. */
  source?: { artifact: string };
  layout?: TileLayout;
  /** Pixels of a tile's side, without overlap. */
  tile_size?: number;
  /** Pixels that a tile repeats of each neighbour; not for XYZ, whose tiles have none. */
  overlap?: number;
  format?: CutFormat;
  /** Of JPEG and WebP. */
  quality?: number;
  /** Where the picture is transparent; JPEG has to have one. */
  background?: string;
}

/** What `measurePicture` found. */
export interface MeasuredPicture {
  /** The draft's revision at that time; finished steps are reused in a retry only while it is the same. */
  revision: number;
  /** Id of the artifact whose bytes are cut. */
  artifact: string;
  /** Lower-case hex. */
  sha256: string;
  /** Is it the draft's own picture, rather than one that the payload names? */
  own: boolean;
  /** Pixels, as it is seen: a photo's own note how to turn it is obeyed. */
  width: number;
  height: number;
}

/** What `generateTiles` left in the private store. */
export interface CutTiles {
  revision: number;
  /** Key of the manifest (NDJSON, in the byte order of the keys) in the private store. */
  manifest_key: string;
  /** SHA-256 over the tile set's manifest, lower-case hex: what a release calls the same pyramid. */
  digest: string;
  tile_set: { width: number; height: number; tile_size: number; overlap: number; format: CutFormat };
  tile_count: number;
  /** Bytes of all tiles. */
  bytes: number;
  /** Objects written by this attempt; the others were there already. */
  put: number;
  /** The XYZ pyramid, where it was asked for. */
  xyz: XyzPyramid | null;
}

/** An XYZ pyramid as an artifact: a ZIP of `{z}/{x}/{y}.jpg` (`.png`, `.webp`), every tile of every level, blank ones too. */
export interface XyzPyramid {
  artifact: string;
  /** Of the ZIP: the same picture cut in the same way gives the same bytes. */
  sha256: string;
  bytes: number;
  tile_count: number;
  max_zoom: number;
  tile_size: number;
}

export interface TileGenerationResult {
  width: number;
  height: number;
  tile_count: number;
  tile_size: number;
  overlap: number;
  format: CutFormat;
  bytes: number;
  digest: string;
  /** Of the draft, with the tiles attached. */
  revision: number;
  xyz: XyzPyramid | null;
}

export const TILE_GENERATION = {
  label: "Tile generation",
  description: "Cuts a source picture into the tile pyramid of a draft.",
  icon: "grid-3x3",
  color: "teal",
  workflow: "tileGeneration",
  task_queue: "render",
  resource: "draft",
  resource_link: "/projects/{project}/versions/{version}",
  child_types: [],
  uploads: ["/source/artifact"],
  steps: TILE_GENERATION_STEPS,
  role: "admin",
  capabilities: { cancel: true, retry: true, throttled: null },
  timeout_seconds: 86_400,
  max_retries: 10,
  size_unit: "tiles",
  toasts: {
    completed: "{project} version {version} has its tiles",
    failed: "The tiles of {project} version {version} were not cut",
  },
  payload: {
    type: "object",
    properties: {
      project: { type: "string", minLength: 1, description: "Slug" },
      version: { type: "integer", minimum: 1, maximum: 2_147_483_647, description: "A draft" },
      source: {
        type: "object",
        description: "Another picture than the one at /projects/{slug}/versions/{version}/source",
        properties: { artifact: { type: "string", format: "uuid" } },
        required: ["artifact"],
        additionalProperties: false,
      },
      layout: {
        enum: TILE_LAYOUTS,
        default: CUT_DEFAULTS.layout,
        description: "`xyz` adds a ZIP of an XYZ pyramid to the DZI pyramid, which is what releases have",
      },
      tile_size: {
        type: "integer",
        minimum: 16,
        maximum: 4_096,
        description: "Pixels of a tile's side, without overlap; 254, and 256 for XYZ, where nothing is said",
      },
      overlap: {
        type: "integer",
        minimum: 0,
        maximum: 8,
        description: "Pixels that a tile of DZI repeats of each neighbour; 1, and 0 for XYZ, where nothing is said",
      },
      format: { enum: CUT_FORMATS, default: CUT_DEFAULTS.format },
      quality: {
        type: "integer",
        minimum: 1,
        maximum: 100,
        default: CUT_DEFAULTS.quality,
        description: "Of JPEG and WebP",
      },
      background: {
        type: "string",
        pattern: "^#[0-9a-fA-F]{6}$",
        description: "Behind what is transparent; JPEG has white where nothing is said, PNG and WebP stay transparent",
      },
    },
    required: ["project", "version"],
    additionalProperties: false,
  },
  result: {
    type: "object",
    properties: {
      width: { type: "integer" },
      height: { type: "integer" },
      tile_count: { type: "integer" },
      tile_size: { type: "integer" },
      overlap: { type: "integer" },
      format: { enum: CUT_FORMATS },
      bytes: { type: "integer", description: "Of all tiles" },
      digest: { type: "string", description: "Of the tile set, as a release has it" },
      revision: { type: "integer", description: "Of the draft, with the tiles attached" },
      xyz: {
        anyOf: [
          { type: "null" },
          {
            type: "object",
            properties: {
              artifact: { type: "string", format: "uuid" },
              sha256: { type: "string" },
              bytes: { type: "integer" },
              tile_count: { type: "integer" },
              max_zoom: { type: "integer" },
              tile_size: { type: "integer" },
            },
          },
        ],
      },
    },
    required: ["width", "height", "tile_count", "tile_size", "overlap", "format", "bytes", "digest", "revision", "xyz"],
  },
} as const satisfies JobTypeDefinition;
