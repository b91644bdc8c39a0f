/** What comes of sharing and of schedules: a job whose turn it is not yet, a schedule that is not there. */
import type { FailureDefinition } from "./definition.ts";

export const FAIRNESS_FAILURES = {
  permit_pending: {
    status: 503,
    retryable: true,
    // Only a job that an operator has reopened waits so, and a permit is free when another job ends: asked for again as long as it takes.
    retry: { initial_ms: 1_000, coefficient: 2, maximum_ms: 15_000 },
    title: "Not its turn yet",
    sentence:
      "Job {job} has no permit yet: {running} of {permits} {queue} jobs of {tenant} run, and it has place {place} in line.",
    action: "It goes on by itself when its turn comes; cancel others, or wait.",
  },
  schedule_not_found: {
    status: 404,
    retryable: false,
    title: "No such schedule",
    sentence: "There is no schedule {schedule}.",
    action: "GET /schedules lists those that there are.",
  },
  schedule_exists: {
    status: 409,
    retryable: false,
    title: "Schedule exists",
    sentence: "There is a schedule called {name} already.",
    action: "Choose another name, or change that one.",
  },
} as const satisfies Record<string, FailureDefinition>;
