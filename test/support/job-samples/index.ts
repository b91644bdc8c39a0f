/** Registry of samples, one line per job type but publish, whose tests are its own; a type without one does not compile. */
import type { JobType } from "../../../contract/job-types.ts";
import { bulkImport } from "./bulk-import.ts";
import { documentGeneration } from "./document-generation.ts";
import { group } from "./group.ts";
import { maintenance } from "./maintenance.ts";
import type { JobSample } from "./sample.ts";
import { svgImport } from "./svg-import.ts";
import { tileGeneration } from "./tile-generation.ts";

export const SAMPLES: Record<Exclude<JobType, "publish">, JobSample> = {
  tile_generation: tileGeneration,
  svg_import: svgImport,
  bulk_import: bulkImport,
  document_generation: documentGeneration,
  maintenance,
  group,
};
