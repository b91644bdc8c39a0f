/** What is known of each failure code. */
import type { RetryPolicy } from "../retry-policies.ts";

export interface FailureDefinition {
  /** The HTTP status. */
  status: number;
  /** May the same attempt succeed later without anyone changing anything? */
  retryable: boolean;
  /** How it is tried again, where that is not as the activity says (`RETRY_POLICIES`). */
  retry?: RetryPolicy;
  title: string;
  /** What happened, with the values: `{name}` is filled from the facts of the `AppError`. */
  sentence: string;
  /** What to do; filled like the sentence. */
  action: string;
}
