/** Files that jobs made or people brought, and the links to them. */
import type { FailureDefinition } from "./definition.ts";

export const ARTIFACT_FAILURES = {
  artifact_not_found: {
    status: 404,
    retryable: false,
    title: "No such artifact",
    sentence: "There is no artifact {artifact}.",
    action:
      "The job that made it says what there is; what has expired is gone, and a retry or a new job makes it again.",
  },
  link_invalid: {
    status: 403,
    retryable: false,
    title: "Download link is not genuine",
    sentence: "The link to artifact {artifact} was not signed by this server.",
    action: "Copy all of the link, or get a new one: GET /artifacts/{artifact}.",
  },
  link_expired: {
    status: 410,
    retryable: false,
    title: "Download link has expired",
    sentence: "The link to artifact {artifact} expired at {expired_at}.",
    action: "Get a new one: GET /artifacts/{artifact}.",
  },
} as const satisfies Record<string, FailureDefinition>;
