/** Registry of workflows, one line each; `test/rules/registry.test.ts` holds it against the table of job types. */
export { group } from "./group.ts";
export { bulkImport } from "./bulk-import.ts";
export { documentGeneration } from "./document-generation.ts";
export { maintenance } from "./maintenance.ts";
export { publish } from "./publish.ts";
export { tileGeneration } from "./tile-generation.ts";
export { svgImport } from "./svg-import.ts";
export { scheduledJob } from "./scheduled-job.ts";
