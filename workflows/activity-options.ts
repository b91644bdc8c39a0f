/** One proxy per activity, by risk class; the reason stands beside each option. How each is tried again: contract/retry-policies.ts. */
import { ActivityCancellationType, proxyActivities, type ActivityOptions } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import { RETRY_POLICIES } from "../contract/retry-policies.ts";

const always = {
  /** Twice the throttle of heartbeats (2 s, src/worker) and some: a worker that dies is noticed within this. */
  heartbeatTimeout: "10 seconds",
  /** With the default, clean-up in the workflow ran 0.3 to 0.9 s before the cancelled activity had stopped. */
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
} as const satisfies ActivityOptions;

function proxy<Name extends keyof Activities>(name: Name, options: ActivityOptions) {
  const { initial_ms, coefficient, maximum_ms } = RETRY_POLICIES[name];
  // Final failures are marked by the activity itself.
  const retry = { initialInterval: initial_ms, backoffCoefficient: coefficient, maximumInterval: maximum_ms };
  return proxyActivities<Pick<Activities, Name>>({ ...always, ...options, retry })[name];
}

/** Reads only. A million tiles take minutes, hours mean that something is stuck. */
const READING = { startToCloseTimeout: "2 hours", scheduleToCloseTimeout: "6 hours" } as const;

export const reading = { validate: proxy("validate", READING), verifyTiles: proxy("verifyTiles", READING) };

/** Writes what the same input writes again, where no viewer looks: repeatable, resumable. */
const WRITING = { startToCloseTimeout: "6 hours", scheduleToCloseTimeout: "12 hours" } as const;

export const writing = { generateRelease: proxy("generateRelease", WRITING), upload: proxy("upload", WRITING) };

/** The switch: once per job for life by the row, so it may be tried again; after it only the pointer and the row are left. */
const SWITCHING = { startToCloseTimeout: "10 minutes", scheduleToCloseTimeout: "1 day" } as const;

export const switching = { markPublished: proxy("markPublished", SWITCHING) };

/** How a publish ends otherwise. Retried without limit: a job must not stay open because a store is down. */
export const settling = { settle: proxy("settle", { startToCloseTimeout: "10 minutes" }) };
