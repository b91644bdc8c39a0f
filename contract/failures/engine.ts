/** Jobs of any type: their deadlines, how often they may be retried, and the table of types. */
import type { FailureDefinition } from "./definition.ts";

export const ENGINE_FAILURES = {
  deadline_exceeded: {
    status: 409,
    retryable: false,
    title: "Deadline exceeded",
    sentence: "The job had not ended by its deadline, {deadline}: it was {state}.",
    action: "Retry it with a later `deadline`, or with null for none.",
  },
  deadline_over: {
    status: 409,
    retryable: false,
    title: "Deadline is over",
    sentence: "Job {job} was to end by {deadline}: a retry would be ended at once.",
    action: "Give the retry a later `deadline`, or null for none.",
  },
  retries_used_up: {
    status: 409,
    retryable: false,
    title: "Retries are used up",
    sentence: "Job {job} was retried {retry_count} times, and may be {max_retries} times.",
    action: "Find out why it fails; an admin can retry it all the same with `force`: true.",
  },
  job_type_not_found: {
    status: 404,
    retryable: false,
    title: "No such job type",
    sentence: "There is no job type {type}.",
    action: "GET /job-types lists them: {types}.",
  },
  not_a_dead_letter: {
    status: 409,
    retryable: false,
    title: "Not a dead letter",
    sentence: "Job {job} is not among the dead letters.",
    action: "GET /jobs/dead-letters lists them; a job that has failed otherwise can be retried by itself.",
  },
} as const satisfies Record<string, FailureDefinition>;
