/** What an activity throws, in Temporal's words: the code is the failure's type, the sentence its message. */
import { ApplicationFailure, TemporalFailure } from "@temporalio/common";
import type { FailureCode } from "../contract/failures.ts";
import { pauseAfter, RETRY_POLICIES } from "../contract/retry-policies.ts";
import { AppError, reasonOf } from "../src/errors.ts";
import { asOutage } from "../src/outage.ts";

/** Details of every failure of ours, as the workflow hands them to `settle`. */
export interface FailureDetails {
  code: FailureCode;
  facts: Record<string, unknown>;
  problems: AppError["problems"];
}

/** How often one activity may fail for a reason that nobody foresaw: enough for a glitch, few enough to be told soon. */
export const UNFORESEEN_ATTEMPTS = 5;
/** Problems beyond this stay in the count: Temporal bounds a failure's size. */
const MAX_PROBLEMS = 200;

/**
 * Temporal's own failures pass untouched, cancellation first of all. `unforeseen` is called for a failure that nobody foresaw (a
 * bug) and answers how often that has happened to its activity; leave it out where there is no giving up. `attempt`: number of the one
 * that failed, from 1.
 */
export function toFailure(error: unknown, unforeseen?: () => number, attempt = 1): Error {
  if (error instanceof TemporalFailure) return error;
  const known = knownAs(error);
  const nonRetryable =
    known.code === "internal"
      ? unforeseen !== undefined && unforeseen() >= UNFORESEEN_ATTEMPTS
      : !known.definition.retryable;
  const details: FailureDetails = {
    code: known.code,
    facts: known.facts,
    problems: known.problems.slice(0, MAX_PROBLEMS),
  };
  return ApplicationFailure.create({
    type: known.code,
    message: `${known.message} ${known.action}`,
    nonRetryable,
    details: [details],
    ...(known.definition.retry ? { nextRetryDelay: pauseAfter(known.definition.retry, attempt) } : {}),
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

/**
 * What stands in the way of an attempt that is tried again, as the job has to say it: retried for hours, it would look fine
 * otherwise. Null for what ends the activity, and for attempts that only have to enter again.
 */
export function troubleOf(error: unknown): AppError | null {
  if (error instanceof TemporalFailure) return null;
  const known = knownAs(error);
  return known.definition.retryable && known.code !== "superseded" ? known : null;
}

/** Milliseconds until Temporal tries again what has failed so; undefined for an activity without a policy of ours. */
export function pauseOf(trouble: AppError, failed: { activityType: string; attempt: number }): number | undefined {
  const { activityType, attempt } = failed;
  const known = Object.hasOwn(RETRY_POLICIES, activityType) ? (activityType as keyof typeof RETRY_POLICIES) : null;
  const policy = trouble.definition.retry ?? (known && RETRY_POLICIES[known]);
  return policy ? pauseAfter(policy, attempt) : undefined;
}

function knownAs(error: unknown): AppError {
  return error instanceof AppError ? error : (asOutage(error) ?? bug(error));
}

function bug(error: unknown): AppError {
  return new AppError("internal", { reason: reasonOf(error), request_id: "this sentence" }, { cause: error });
}
