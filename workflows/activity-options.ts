/**
 * Proxies of activities, by risk class; the reason stands beside each option. How each is tried again: contract/retry-policies.ts. A
 * workflow makes the proxies of its own activities: `const reads = { validate: proxy("validate", READING) }`.
 */
import { ActivityCancellationType, proxyActivities, type ActivityOptions } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import { definitionOf, type JobType } from "../contract/job-types.ts";
import { retryPolicyOf } from "../contract/retry-policies.ts";

const always = {
  /** Twice the throttle of heartbeats (2 s, src/worker) and some: a worker that dies is noticed within this. */
  heartbeatTimeout: "10 seconds",
  /** With the default, clean-up in the workflow ran 0.3 to 0.9 s before the cancelled activity had stopped. */
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  /** A worker that hands itself the next activity passes by the queue, and there priority and fairness act. */
  allowEagerDispatch: false,
} as const satisfies ActivityOptions;

/** Of one activity, by its name in `activities/index.ts`. */
export function proxy<Name extends keyof Activities>(name: Name, options: ActivityOptions) {
  const { initial_ms, coefficient, maximum_ms } = retryPolicyOf(name);
  // Final failures are marked by the activity itself.
  const retry = { initialInterval: initial_ms, backoffCoefficient: coefficient, maximumInterval: maximum_ms };
  return proxyActivities<Pick<Activities, Name>>({ ...always, ...options, retry })[name];
}

/** For what people wait at: a publish's five short steps, 18 instead of 4 a second on two cores (temporal-config/README.md). */
export const EAGER = { allowEagerDispatch: true } as const;

/** Asks PostgreSQL: milliseconds. Tried again for as long as the run may take: whoever waits in line is not to fail for a restart. */
export const ASKING = { startToCloseTimeout: "1 minute" } as const;

/** Reads only. A million tiles take minutes, hours mean that something is stuck. */
export const READING = { startToCloseTimeout: "2 hours", scheduleToCloseTimeout: "6 hours" } as const;

/** Writes what the same input writes again: repeatable, resumable. */
export const WRITING = { startToCloseTimeout: "6 hours", scheduleToCloseTimeout: "12 hours" } as const;

/**
 * The same in a job of a throttled type, whose run has a week more than its work, for the line: its steps share what the type may take
 * (`timeout_seconds`), so that they are through by then, or the job has failed as `timed_out`. Limits of activities, and no timer around the
 * body: they are part of no comparison when a history replays, they begin with a permit, and a step that an operator resets has its time anew.
 */
export function writingInTurn(type: JobType): ActivityOptions {
  const { timeout_seconds, steps } = definitionOf(type);
  const seconds = Math.min(12 * 3_600, Math.floor(timeout_seconds / steps.length));
  return { ...WRITING, scheduleToCloseTimeout: `${seconds} seconds` };
}

/** The switch: once per job for life by the row, so it may be tried again; after it only the pointer and the row are left. */
export const SWITCHING = { startToCloseTimeout: "10 minutes", scheduleToCloseTimeout: "1 day" } as const;

/** How a job ends otherwise. Retried without limit: a job must not stay open because a store is down. */
export const SETTLING = { startToCloseTimeout: "10 minutes" } as const;
