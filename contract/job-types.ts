/** The table of job types, one line each: start reading here. Served at `GET /job-types`. */
import { GROUP } from "./group.ts";
import type { JobTypeDefinition } from "./job-type-definition.ts";
import { MAINTENANCE } from "./maintenance.ts";
import { PUBLISH } from "./publish.ts";
import { TILE_GENERATION } from "./tile-generation.ts";
import { SVG_IMPORT } from "./svg-import.ts";

export const JOB_TYPES = {
  publish: PUBLISH,
  svg_import: SVG_IMPORT,
  maintenance: MAINTENANCE,
  group: GROUP,
  tile_generation: TILE_GENERATION,
} as const satisfies Record<string, JobTypeDefinition>;

export type JobType = keyof typeof JOB_TYPES;

/** The row of the table, without the literal types of it. */
export const definitionOf = (type: JobType): JobTypeDefinition => JOB_TYPES[type];

export const isJobType = (text: string): text is JobType => Object.hasOwn(JOB_TYPES, text);
