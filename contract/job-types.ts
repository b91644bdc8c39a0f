/** The table of job types, one line each: start reading here. Served at `GET /job-types`. */
import { BULK_IMPORT } from "./bulk-import.ts";
import { GROUP } from "./group.ts";
import { DOCUMENT_GENERATION } from "./document-generation.ts";
import type { JobTypeDefinition } from "./job-type-definition.ts";
import { MAINTENANCE } from "./maintenance.ts";
import { PUBLISH } from "./publish.ts";
import { SVG_IMPORT } from "./svg-import.ts";
import { TILE_GENERATION } from "./tile-generation.ts";

export const JOB_TYPES = {
  publish: PUBLISH,
  tile_generation: TILE_GENERATION,
  svg_import: SVG_IMPORT,
  bulk_import: BULK_IMPORT,
  document_generation: DOCUMENT_GENERATION,
  maintenance: MAINTENANCE,
  group: GROUP,
} as const satisfies Record<string, JobTypeDefinition>;

export type JobType = keyof typeof JOB_TYPES;

/** The row of the table, without the literal types of it. */
export const definitionOf = (type: JobType): JobTypeDefinition => JOB_TYPES[type];

export const isJobType = (text: string): text is JobType => Object.hasOwn(JOB_TYPES, text);
