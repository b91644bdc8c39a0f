/** What groups of jobs end with, and are refused for. */
import type { FailureDefinition } from "./definition.ts";

export const GROUP_FAILURES = {
  member_failed: {
    status: 422,
    retryable: false,
    title: "Members were not done",
    sentence: "{count} of {total} members were not done. {first}",
    action: "Look at their jobs, and retry the group: it runs those again, and none that is completed.",
  },
  tiles_not_made: {
    status: 422,
    retryable: false,
    title: "No tiles were cut",
    sentence: "The tiles of the version could not be cut from its source picture. {reason}",
    action: "Job {job} tells more. Replace the picture or import tiles, then retry the publish.",
  },
  group_not_found: {
    status: 404,
    retryable: false,
    title: "No such group",
    sentence: "There is no group {job}.",
    action: "GET /jobs?type=group lists yours.",
  },
} as const satisfies Record<string, FailureDefinition>;
