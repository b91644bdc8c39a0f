/** Registry of workflows, one line each; `test/rules/registry.test.ts` holds it against the table of job types. */
export { maintenance } from "./maintenance.ts";
export { publish } from "./publish.ts";
export { scheduledJob } from "./scheduled-job.ts";
