/** What is known of each failure code. */
export interface FailureDefinition {
  /** The HTTP status. */
  status: number;
  /** May the same attempt succeed later without anyone changing anything? */
  retryable: boolean;
  title: string;
  /** What happened, with the values: `{name}` is filled from the facts of the `AppError`. */
  sentence: string;
  /** What to do; filled like the sentence. */
  action: string;
}
