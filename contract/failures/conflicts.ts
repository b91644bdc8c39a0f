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
  job_changed: {
    status: 409,
    retryable: false,
    title: "Job is another by now",
    sentence: "Job {job} is in generation {generation} ({status}); the request was about generation {seen}.",
    action: "Look at the job as it is now, then ask again if that is still wanted.",
  },
  retry_step_not_reached: {
    status: 409,
    retryable: false,
    title: "Step was not reached",
    sentence: "A retry of job {job} cannot begin at {step}: {unfinished} has not finished.",
    action: "Begin at {unfinished} or a step before it; without `from` it begins there by itself.",
  },
} as const satisfies Record<string, FailureDefinition>;
