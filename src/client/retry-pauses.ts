/** How long a watch waits between attempts to join its stream: longer each time, and as long as the server asks for. */

export interface RetryPauses {
  /** The server's `retry:`, in milliseconds. */
  serverAsks(ms: number): void;
  /** A frame came: attempts are counted anew. */
  succeeded(): void;
  /** Attempts in a row that have failed. */
  failures(): number;
  /** An attempt has failed: milliseconds until the next. `retryAfterMs`: what the failure asks for, null if nothing. */
  next(retryAfterMs: number | null): number;
  /** Did the server ask for more than this client would wait by itself? */
  isAskedFor(retryAfterMs: number | null): boolean;
}

/** Until the server's `retry:` says otherwise, and at the least: with `retry: 0` a client would ask without a pause. */
const FIRST_RETRY_MS = 500;

/** A server or a proxy that asks for an hour would be back for long before anyone sees it. */
const LONGEST_ASKED_MS = 60_000;

/** `longestRetryMs`: of the pauses that the server has not asked for. */
export function createRetryPauses(longestRetryMs: number): RetryPauses {
  let retryMs = FIRST_RETRY_MS;
  let failures = 0;
  return {
    serverAsks: (ms) => void (retryMs = Math.max(FIRST_RETRY_MS, askedFor(ms))),
    succeeded: () => void (failures = 0),
    failures: () => failures,
    next(retryAfterMs) {
      const asked = Math.max(retryMs, askedFor(retryAfterMs));
      // Never earlier than the server asks for; spread, so that those who were cut off together do not come back together.
      const latest = 1.5 * Math.max(asked, retryMs * 2 ** failures);
      const last = asked > longestRetryMs ? 1.5 * asked : Math.min(longestRetryMs, latest);
      const first = Math.max(asked, last / 1.5);
      failures += 1;
      return Math.round(first + Math.random() * (last - first));
    },
    isAskedFor: (retryAfterMs) => retryAfterMs !== null || retryMs > longestRetryMs,
  };
}

/** What the server asks for, as far as that is followed; 0 for null. */
export function askedFor(ms: number | null): number {
  return Math.min(LONGEST_ASKED_MS, ms ?? 0);
}
