/** Registry of workflows, one line each; `test/rules/registry.test.ts` holds it against the table of job types. */
export { publish } from "./publish.ts";
