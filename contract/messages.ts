/** Names of what a workflow can be asked and told, and of what operators list by. */

/** Query: answers a `WorkflowProgress`. */
export const PROGRESS_QUERY = "progress";

/** Search attributes, registered by `src/dev` and listed in `temporal-config/search-attributes.json`. */
export const SEARCH_ATTRIBUTES = {
  project: "PlatenProject",
  version: "PlatenVersion",
  environment: "PlatenEnvironment",
  job_type: "PlatenJobType",
  tenant: "PlatenTenant",
  started_by: "PlatenStartedBy",
} as const;

/**
 * PostgreSQL NOTIFY channels: the payload is a comma-separated list of job ids, or `*` when there are too many. Two of them, because a
 * gateway reads events at once, and progress when it has the time.
 */
export const JOBS_CHANNEL = "platen_jobs";

/** The same where percent and message have changed, and nothing else. */
export const PROGRESS_CHANNEL = "platen_progress";
