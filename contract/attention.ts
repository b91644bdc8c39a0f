/** What an operator should look at in a job that goes on being what it is: no state, and no failure. */
export const ATTENTION_CODES = ["stuck", "stalled", "paused", "no_worker"] as const;

/**
 * `stuck`: its workflow task fails over and over. `stalled`: no progress for longer than its step's stall limit. `paused`: an operator
 * paused its activity in Temporal. `no_worker`: it waits, and nobody polls its task queue.
 */
export type AttentionCode = (typeof ATTENTION_CODES)[number];

export interface Attention {
  code: AttentionCode;
  /** What is odd, and what to do: a sentence for people. */
  message: string;
  /** ISO 8601 */
  since: string;
}
