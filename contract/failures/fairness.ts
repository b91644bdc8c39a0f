/** What comes of sharing: a job whose turn it is not yet. */
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
} as const satisfies Record<string, FailureDefinition>;
