/**
 * Every failure code: its HTTP status, whether an activity may retry it, one sentence and what to do.
 * `{name}` in a sentence is filled from the facts of the `AppError`. Each code is a heading in docs/errors.md (tested).
 */
export interface FailureDefinition {
  status: number;
  /** May the same attempt succeed later without anyone changing anything? */
  retryable: boolean;
  title: string;
  sentence: string;
  action: string;
}

export const FAILURES = {
  // -- requests
  malformed_json: {
    status: 400,
    retryable: false,
    title: "Malformed JSON",
    sentence: "The body is not valid JSON: {reason}.",
    action: "Send one JSON document, UTF-8, as Content-Type application/json.",
  },
  invalid_request: {
    status: 400,
    retryable: false,
    title: "Invalid request",
    sentence: "{count} field(s) of the request are wrong; the first: {first}.",
    action: "Mend what `errors` lists; /openapi.json has the schema.",
  },
  unauthenticated: {
    status: 401,
    retryable: false,
    title: "No valid API key",
    sentence: "The request has no valid API key: {reason}.",
    action: "Send `Authorization: Bearer <key>`; `npm start` prints a key for each role.",
  },
  forbidden: {
    status: 403,
    retryable: false,
    title: "Role too low",
    sentence: "This needs the role {needed}; the key has {role}.",
    action: "Use a key with the role {needed}.",
  },
  not_found: {
    status: 404,
    retryable: false,
    title: "No such path",
    sentence: "There is nothing at {path}.",
    action: "See /openapi.json for the paths.",
  },
  method_not_allowed: {
    status: 405,
    retryable: false,
    title: "Method not allowed",
    sentence: "{method} is not possible at {path}.",
    action: "Use one of the methods in the Allow header.",
  },
  body_too_large: {
    status: 413,
    retryable: false,
    title: "Body too large",
    sentence: "The body is larger than {limit} bytes: {told}.",
    action: "Send less, or raise the limit in the configuration.",
  },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    title: "Unsupported media type",
    sentence: "The body is {got}; this path takes {wanted}.",
    action: "Set Content-Type to what the path takes.",
  },
  incomplete_body: {
    status: 400,
    retryable: false,
    title: "Body ended early",
    sentence: "The body ended before it was complete: {reason}.",
    action: "Send it again; nothing was changed.",
  },
  malformed_request: {
    status: 400,
    retryable: false,
    title: "Not readable as HTTP",
    sentence: "The request cannot be read as HTTP: {reason}.",
    action: "Check the client or the proxy that wrote it; nothing was changed.",
  },
  request_timeout: {
    status: 408,
    retryable: true,
    title: "Request head took too long",
    sentence: "The request's headers did not arrive within {seconds} s.",
    action: "Send it again; nothing was changed.",
  },
  expectation_failed: {
    status: 417,
    retryable: false,
    title: "Expectation cannot be met",
    sentence: "The header Expect asks for {expect}; only 100-continue is known.",
    action: "Leave the header Expect out.",
  },
  headers_too_large: {
    status: 431,
    retryable: false,
    title: "Headers too large",
    sentence: "The request's path and headers are larger than {limit} bytes.",
    action: "Send shorter headers, or put what is long into a body.",
  },
  idempotency_key_reused: {
    status: 422,
    retryable: false,
    title: "Idempotency-Key used for another request",
    sentence: "The Idempotency-Key {key} was used with another body.",
    action: "Use a new key for a new request.",
  },
  unavailable: {
    status: 503,
    retryable: true,
    title: "A service is unreachable",
    sentence: "{service} cannot be reached: {reason}.",
    action: "Try again in a few seconds; /readyz names what is missing.",
  },
  internal: {
    status: 500,
    retryable: true,
    title: "Internal error",
    sentence: "Something that should not happen did: {reason}.",
    action: "Look for {request_id} in the log.",
  },
  // -- things
  project_not_found: {
    status: 404,
    retryable: false,
    title: "No such project",
    sentence: "There is no project {project}.",
    action: "GET /projects lists yours.",
  },
  project_exists: {
    status: 409,
    retryable: false,
    title: "Project exists",
    sentence: "The slug {project} is taken.",
    action: "Choose another slug; they are unique because public URLs begin with them.",
  },
  version_not_found: {
    status: 404,
    retryable: false,
    title: "No such version",
    sentence: "Project {project} has no version {version}.",
    action: "GET /projects/{project}/versions lists them.",
  },
  version_published: {
    status: 409,
    retryable: false,
    title: "Version is published",
    sentence: "Version {version} of {project} is published and frozen.",
    action: "Make a new version and change that: POST /projects/{project}/versions.",
  },
  job_not_found: {
    status: 404,
    retryable: false,
    title: "No such job",
    sentence: "There is no job {job}.",
    action: "GET /jobs lists yours.",
  },
  release_not_found: {
    status: 404,
    retryable: false,
    title: "No such release",
    sentence: "Nothing is released at {path}.",
    action: "Publish a version first; the project's list of releases (/projects/<slug>/releases) says what there is.",
  },
  range_not_satisfiable: {
    status: 416,
    retryable: false,
    title: "Range outside the object",
    sentence: "The range {range} begins after the end of the object, which has {size} bytes.",
    action: "Ask for bytes that it has, or without a Range header for all of them.",
  },
  job_type_unknown: {
    status: 400,
    retryable: false,
    title: "Unknown job type",
    sentence: "There is no job type {type}.",
    action: "Use one of: {types}.",
  },
  // -- conflicts
  publish_running: {
    status: 409,
    retryable: false,
    title: "A publish is running",
    sentence: "Job {job} is publishing this project to {environment} already.",
    action: "Wait for it or cancel it: {link}.",
  },
  already_live: {
    status: 409,
    retryable: false,
    title: "Already live",
    sentence: "Version {version} of {project} is live in {environment} already.",
    action: "Nothing is left to do.",
  },
  job_final: {
    status: 409,
    retryable: false,
    title: "Job has ended",
    sentence: "Job {job} is {status} already.",
    action: "Nothing is left to cancel; a failed or cancelled job can be retried, for others start a new one.",
  },
  past_the_switch: {
    status: 409,
    retryable: false,
    title: "Too late to cancel",
    sentence: "Job {job} has switched {environment} to its release.",
    action: "Publish the version you want live instead.",
  },
  job_not_retryable: {
    status: 409,
    retryable: false,
    title: "Job cannot be retried",
    sentence: "Job {job} is {status}; only failed and cancelled jobs can be retried.",
    action: "Start a new job.",
  },
  // -- input files
  overlay_invalid: {
    status: 400,
    retryable: false,
    title: "Overlay cannot be read",
    sentence: "Overlay number {index} cannot be read: {reason}.",
    action: "Mend that feature and send the collection again; nothing was changed.",
  },
  tile_rejected: {
    status: 400,
    retryable: false,
    title: "Tile rejected",
    sentence: "The tile {key} was rejected: {reason}.",
    action: "Send the tile as the pyramid's descriptor calls for it.",
  },
  descriptor_invalid: {
    status: 400,
    retryable: false,
    title: "Tile descriptor cannot be read",
    sentence: "The DZI descriptor cannot be used: {reason}.",
    action: "Send the .dzi file that came with the tiles.",
  },
  folder_invalid: {
    status: 400,
    retryable: false,
    title: "Project folder cannot be used",
    sentence: "{path}: {reason}.",
    action: "docs/project-folder.md describes the format.",
  },
  // -- publishing
  version_invalid: {
    status: 422,
    retryable: false,
    title: "Version cannot be published",
    sentence: "The version has {count} problem(s); the first: {first}.",
    action: "Mend what `errors` lists, then publish again.",
  },
  version_changed: {
    status: 409,
    retryable: false,
    title: "Version changed while it was published",
    sentence: "The draft was edited after it was validated (revision {validated}, now {current}).",
    action: "Publish again.",
  },
  release_invalid: {
    status: 500,
    retryable: false,
    title: "Generated release does not match its schema",
    sentence: "The generated document breaks the release schema at {path}: {reason}.",
    action: "Report it with the job id; the live release is untouched.",
  },
  guard_lost: {
    status: 409,
    retryable: false,
    title: "Another publish took over",
    sentence: "Job {holder} holds the right to publish this project to {environment}.",
    action: "Wait for that job, then retry.",
  },
  tiles_damaged: {
    status: 500,
    retryable: false,
    title: "Tiles are missing or damaged at the destination",
    sentence: "{count} tile(s) are missing or damaged; the first: {first}.",
    action: "Import the named tiles again, then publish.",
  },
  source_tile_damaged: {
    status: 500,
    retryable: false,
    title: "An imported tile is missing or damaged",
    sentence: "The imported tile {key} is {what}.",
    action: "Import the tiles again, then retry.",
  },
  store_unavailable: {
    status: 503,
    retryable: true,
    title: "Object store unreachable",
    sentence: "The object store failed at {key}: {reason}.",
    action: "It is tried again by itself; see the store's own log.",
  },
  store_full: {
    status: 507,
    retryable: true,
    title: "Object store is full",
    sentence: "The object store has no room for {key}: {reason}.",
    action: "Free space; the publish goes on by itself.",
  },
  // -- how jobs end otherwise
  cancelled: {
    status: 409,
    retryable: false,
    title: "Cancelled",
    sentence: "The job was cancelled{by}.",
    action: "Retry it, or start a new one.",
  },
  terminated_by_operator: {
    status: 409,
    retryable: false,
    title: "Terminated by an operator",
    sentence: "The workflow was terminated in Temporal.",
    action: "Retry the job if that was not meant.",
  },
  timed_out: {
    status: 504,
    retryable: true,
    title: "Timed out",
    sentence: "The workflow ran into its time limit{where}.",
    action: "Look at the workflow in the Temporal Web UI, then retry.",
  },
  execution_lost: {
    status: 500,
    retryable: false,
    title: "Workflow is gone",
    sentence: "Temporal does not know the workflow {workflow} any more.",
    action: "Retry the job.",
  },
  job_ended: {
    status: 409,
    retryable: false,
    title: "The job has ended meanwhile",
    sentence: "The job {job} is {status}: this run has nothing left to do.",
    action: "Nothing; the job's page tells its state.",
  },
  superseded: {
    status: 409,
    retryable: true,
    title: "A newer attempt took over",
    sentence: "Another run or attempt works on job {job} now.",
    action: "Nothing; this attempt stops without a trace.",
  },
} as const satisfies Record<string, FailureDefinition>;

export type FailureCode = keyof typeof FAILURES;

/** Codes of single problems inside `errors` (of `version_invalid` and `GET …/publish/validate`). */
export const PROBLEMS = {
  config_missing: "The version has no config.",
  config_secret: "The config holds what looks like a secret; a release is public.",
  no_visible_overlay: "No overlay of the version is visible.",
  duplicate_ref: "Two overlays have the same ref.",
  duplicate_layer: "Two layers have the same ref.",
  geometry_invalid: "The geometry is not valid.",
  layer_unknown: "The overlay names a layer that the version does not have.",
  tiles_missing: "The version has no tile set.",
  tile_missing: "A tile that the pyramid calls for was not imported.",
  tile_damaged: "A tile at the destination is missing or damaged, and cannot be mended from the draft.",
  tile_unexpected: "A tile was imported that the pyramid does not call for.",
  asset_missing: "An imported object is not in the store any more.",
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** Fills `{name}` from facts; an unknown name becomes empty. A fact that is a sentence keeps its one full stop. */
export function sentence(template: string, facts: Record<string, unknown>): string {
  return template.replaceAll(/\{(\w+)\}(\.?)/g, (_, name: string, stop: string) => {
    const fact = facts[name] ?? "";
    const text = typeof fact === "string" ? fact : JSON.stringify(fact);
    return text.endsWith(".") ? text : text + stop;
  });
}
