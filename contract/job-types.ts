/** The table of job types, one line each: start reading here. Served at `GET /job-types`. */
import { DOCUMENT_GENERATION } from "./document-generation.ts";
import type { JobTypeDefinition } from "./job-type-definition.ts";
import { MAINTENANCE } from "./maintenance.ts";
import { PUBLISH } from "./publish.ts";

export const JOB_TYPES = {
  publish: PUBLISH,
  document_generation: DOCUMENT_GENERATION,
  maintenance: MAINTENANCE,
} as const satisfies Record<string, JobTypeDefinition>;

export type JobType = keyof typeof JOB_TYPES;

/** The row of the table, without the literal types of it. */
export const definitionOf = (type: JobType): JobTypeDefinition => JOB_TYPES[type];

export const isJobType = (text: string): text is JobType => Object.hasOwn(JOB_TYPES, text);
