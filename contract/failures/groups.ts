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
  group_not_found: {
    status: 404,
    retryable: false,
    title: "No such group",
    sentence: "There is no group {job}.",
    action: "GET /jobs?type=group lists yours.",
  },
} as const satisfies Record<string, FailureDefinition>;
