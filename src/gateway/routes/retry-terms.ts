/** What a retry, of one job or of many, may say beside where it begins. */
import { z } from "zod";
import { demandFuture } from "../../jobs/job-terms.ts";
import { inUtc, moment } from "./job-requests.ts";

export const retryTerms = {
  force: z.boolean().optional().meta({ description: "Also when the retries are used up" }),
  deadline: moment
    .nullable()
    .optional()
    .meta({ description: "A new one, ISO 8601; null for none. A job whose deadline is over needs one of both" }),
};

/** Error: invalid_request, for a deadline that is over. */
export function retryTermsOf({
  force,
  deadline,
}: {
  force?: boolean | undefined;
  deadline?: string | null | undefined;
}): {
  force?: boolean;
  deadline_at?: string | null;
} {
  const deadline_at = typeof deadline === "string" ? inUtc(deadline) : deadline;
  if (typeof deadline_at === "string") demandFuture({ deadline_at });
  return { ...(force ? { force } : {}), ...(deadline_at === undefined ? {} : { deadline_at }) };
}
