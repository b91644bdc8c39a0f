/**
 * How activities are tried again: by activity, and for failures whose code has a policy of its own (failures/) by that. Workflows give
 * these to Temporal, activities reckon with them when the next attempt comes.
 */

export interface RetryPolicy {
  /** Between the first failure and the second attempt. */
  initial_ms: number;
  /** Each pause is so many times the one before it. */
  coefficient: number;
  /** No pause is longer. */
  maximum_ms: number;
}

/** What is retryable is a service that is away: try soon, then every 15 s. Without limit of attempts: time limits end it. */
const SOON = { initial_ms: 500, coefficient: 2, maximum_ms: 15_000 } as const satisfies RetryPolicy;
/** Viewers wait for the pointer, the next publish for the guard, and an attempt costs next to nothing. */
const SOONER = { initial_ms: 500, coefficient: 2, maximum_ms: 5_000 } as const satisfies RetryPolicy;

/** By Temporal's name of the activity; all others are tried again soon. */
const POLICIES: Readonly<Record<string, RetryPolicy>> = { markPublished: SOONER, settle: SOONER };

export function retryPolicyOf(activity: string): RetryPolicy {
  return Object.hasOwn(POLICIES, activity) ? (POLICIES[activity] ?? SOON) : SOON;
}

/** Milliseconds between the failure of attempt number `attempt`, from 1, and the next one. */
export function pauseAfter({ initial_ms, coefficient, maximum_ms }: RetryPolicy, attempt: number): number {
  return Math.min(maximum_ms, initial_ms * coefficient ** (attempt - 1));
}
