/** What a request demanded of the thing it changes. */
import type { FailureDefinition } from "./definition.ts";

export const PRECONDITION_FAILURES = {
  precondition_failed: {
    status: 412,
    retryable: false,
    title: "Changed meanwhile",
    sentence: "Version {version} of {project} is at revision {revision}; `If-Match` demands {expected}.",
    action: "Read it again, put your change on top of what it is now, and send that with the new ETag.",
  },
} as const satisfies Record<string, FailureDefinition>;
