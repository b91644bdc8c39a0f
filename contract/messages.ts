/** Names of what a workflow can be asked and told, and of what operators list by. */

/** Query: answers a `WorkflowProgress`. */
export const PROGRESS_QUERY = "progress";

/** Signal without arguments to a run that waits for its permit: look again. Harmless at any other time. */
export const PERMIT_SIGNAL = "permit";

/** Search attributes; `temporal-config/search-attributes.json` has the same with their types, for the servers that are started. */
export const SEARCH_ATTRIBUTES = {
  project: "PlatenProject",
  version: "PlatenVersion",
  environment: "PlatenEnvironment",
  job_type: "PlatenJobType",
  tenant: "PlatenTenant",
  started_by: "PlatenStartedBy",
  /** Code of what a run has failed with, `cancelled` for one that was cancelled; absent while it runs and once it is completed. */
  failure: "PlatenFailure",
} as const;

/** Temporal's types of them. */
export const SEARCH_ATTRIBUTE_TYPES = {
  project: "Keyword",
  version: "Int",
  environment: "Keyword",
  job_type: "Keyword",
  tenant: "Keyword",
  started_by: "Keyword",
  failure: "Keyword",
} as const satisfies Record<keyof typeof SEARCH_ATTRIBUTES, "Keyword" | "Int">;

/** Of a workflow's memo: where people look at its job. Absent in runs of before 0.2. */
export const JOB_URL_MEMO = "job_url";

/**
 * PostgreSQL NOTIFY channels: the payload is a comma-separated list of job ids, or `*` when there are too many. Two of them, because a
 * gateway reads events at once, and progress when it has the time.
 */
export const JOBS_CHANNEL = "platen_jobs";

/** The same where percent and message have changed, and nothing else. */
export const PROGRESS_CHANNEL = "platen_progress";
