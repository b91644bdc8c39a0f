/** What a request may say of time. */
import { AppError } from "../errors.ts";
import type { JobTerms } from "./new-job-store.ts";

/**
 * A deadline or an expiry that is over: nobody means that. Asked once the request is known to be new, so that a repeat of one is a replay.
 * Error: invalid_request.
 */
export function demandFuture(terms: Pick<JobTerms, "deadline_at" | "expires_at">): void {
  const given = { "/deadline": terms.deadline_at, "/expires_at": terms.expires_at };
  const now = new Date();
  const problems = Object.entries(given).flatMap(([path, value]) =>
    value === undefined || new Date(value) > now
      ? []
      : [{ in: "body", code: "not_in_future", path, message: saying(now), value }],
  );
  const [first] = problems;
  if (!first) return;
  const facts = { count: problems.length, first: `${first.path.slice(1)} in the body: ${first.message}` };
  throw new AppError("invalid_request", facts, { problems });
}

const saying = (now: Date): string =>
  `must be in the future; here it is ${now.toISOString()}. Give a later moment, or none`;
