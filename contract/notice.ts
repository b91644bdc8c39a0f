/** Why less is known of a job than usual, for as long as it is so. */
export const NOTICE_CODES = ["database_away", "temporal_away", "workers_silent"] as const;

/** `workers_silent`: no worker answers for the job. */
export type NoticeCode = (typeof NOTICE_CODES)[number];

export interface Notice {
  code: NoticeCode;
  /** A sentence for people. */
  message: string;
  /** ISO 8601 */
  since: string;
}
