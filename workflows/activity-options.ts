/** One proxy per risk class; the reason stands beside each option. */
import { ActivityCancellationType, proxyActivities } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";

/** Twice the throttle of heartbeats (2 s, src/worker) and some: a worker that dies is noticed within this. */
const heartbeatTimeout = "10 seconds";
/** With the default, clean-up in the workflow ran 0.3 to 0.9 s before the cancelled activity had stopped. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
/** What is retryable is a service that is away: try soon, then every 15 s. Final failures are marked by the activity itself. */
const retry = { initialInterval: "500 ms", backoffCoefficient: 2, maximumInterval: "15 seconds" } as const;

/** Reads only. A million tiles take minutes, hours mean that something is stuck. */
export const reading = proxyActivities<Pick<Activities, "validate" | "verifyTiles">>({
  startToCloseTimeout: "2 hours",
  scheduleToCloseTimeout: "6 hours",
  heartbeatTimeout,
  cancellationType,
  retry,
});

/** Writes what the same input writes again, where no viewer looks: repeatable, resumable. */
export const writing = proxyActivities<Pick<Activities, "generateRelease" | "upload">>({
  startToCloseTimeout: "6 hours",
  scheduleToCloseTimeout: "12 hours",
  heartbeatTimeout,
  cancellationType,
  retry,
});

/** The switch: once per job for life by the row, so it may be tried again; after it only the pointer and the row are left. */
export const switching = proxyActivities<Pick<Activities, "markPublished">>({
  startToCloseTimeout: "10 minutes",
  scheduleToCloseTimeout: "1 day",
  heartbeatTimeout,
  cancellationType,
  retry,
});

/** How a publish ends otherwise. Retried without limit: a job must not stay open because a store is down. */
export const settling = proxyActivities<Pick<Activities, "settle">>({
  startToCloseTimeout: "10 minutes",
  heartbeatTimeout,
  cancellationType,
  retry,
});
