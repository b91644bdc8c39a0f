/** A job in the way of another, or in a state that does not allow what was asked for. */
import type { FailureDefinition } from "./definition.ts";

export const CONFLICT_FAILURES = {
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
    sentence: "Job {job} has switched {environment} to its release, which is the point of no return.",
    action: "Publish the version you want live instead.",
  },
  job_not_retryable: {
    status: 409,
    retryable: false,
    title: "Job cannot be retried",
    sentence: "Job {job} is {status}; only failed and cancelled jobs can be retried.",
    action: "Start a new job.",
  },
} as const satisfies Record<string, FailureDefinition>;
