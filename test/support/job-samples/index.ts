/** Registry of samples, one line per job type but publish, whose tests are its own; a type without one does not compile. */
import type { JobType } from "../../../contract/job-types.ts";
import { documentGeneration } from "./document-generation.ts";
import { maintenance } from "./maintenance.ts";
import type { JobSample } from "./sample.ts";

export const SAMPLES: Record<Exclude<JobType, "publish">, JobSample> = {
  document_generation: documentGeneration,
  maintenance,
};
