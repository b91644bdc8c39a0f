/** Something named in a request that is not there, is there already, or cannot be changed. */
import type { FailureDefinition } from "./definition.ts";

export const RECORD_FAILURES = {
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
  project_published: {
    status: 409,
    retryable: false,
    title: "Project has releases",
    sentence: "Project {project} has {count} release(s), which are kept.",
    action: "Only projects that were never published can be deleted.",
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
  history_not_found: {
    status: 404,
    retryable: false,
    title: "No history",
    sentence: "Temporal has no history of {workflow}, run {run}: {reason}.",
    action: "The job's own record and logs are at /jobs/{job}; a bundle that was saved before can still be replayed.",
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
} as const satisfies Record<string, FailureDefinition>;
