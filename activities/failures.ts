/** What an activity throws, in Temporal's words: the code is the failure's type, the sentence its message. */
import { ApplicationFailure, TemporalFailure } from "@temporalio/common";
import type { FailureCode } from "../contract/failures.ts";
import { shortened } from "../contract/printable.ts";
import { pauseAfter, retryPolicyOf } from "../contract/retry-policies.ts";
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
/** Characters of a text in a failure: what people wrote can be in each, and has no end. */
const MAX_TEXT = 2_000;
/** Characters of all facts, and of all problems: with three bytes each they are below the two megabytes of one payload. */
const MAX_DETAILS = 250_000;
/** Causes of causes that are told, and characters of a cause's stack. */
const MAX_CAUSES = 5;
const MAX_STACK = 8_000;

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
    facts: cutFacts(known.facts),
    problems: cutProblems(known.problems),
  };
  return ApplicationFailure.create({
    type: known.code,
    message: `${known.message} ${known.action}`,
    nonRetryable,
    details: [details],
    ...(known.definition.retry ? { nextRetryDelay: pauseAfter(known.definition.retry, attempt) } : {}),
    ...(error instanceof Error ? { cause: cutCause(error) } : {}),
  });
}

const sizeOf = (value: unknown): number => (JSON.stringify(value) ?? "").length;

const cutText = (text: string): string => shortened(text, MAX_TEXT);

/** A text is cut; what else does not fit in any more is left out. */
function cutFacts(facts: Record<string, unknown>): Record<string, unknown> {
  let room = MAX_DETAILS;
  const cut = Object.entries(facts).map(
    ([name, fact]) => [name, typeof fact === "string" ? cutText(fact) : fact] as const,
  );
  return Object.fromEntries(
    cut.filter(([, fact]) => {
      const size = sizeOf(fact);
      if (size > room) return false;
      room -= size;
      return true;
    }),
  );
}

function cutProblems(problems: AppError["problems"]): AppError["problems"] {
  let room = MAX_DETAILS;
  return problems
    .slice(0, MAX_PROBLEMS)
    .map(({ value, ...problem }) => ({
      ...problem,
      ...{ path: cutText(problem.path), message: cutText(problem.message) },
      ...(value === undefined ? {} : { value: sizeOf(value) > MAX_TEXT ? cutText(textOf(value)) : value }),
    }))
    .filter((problem) => (room -= sizeOf(problem)) >= 0);
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Temporal sends messages and stacks of all causes. */
function cutCause(error: Error, depth = 1): Error {
  const { code } = error as { code?: unknown };
  // Logs and the Web UI show by the code which failure it was.
  const cut = Object.assign(new Error(cutText(error.message)), typeof code === "string" ? { code } : {});
  cut.name = cutText(error.name);
  // Its first line has the message again.
  cut.stack = shortened(error.stack ?? "", MAX_STACK);
  if (error.cause instanceof Error && depth < MAX_CAUSES) cut.cause = cutCause(error.cause, depth + 1);
  return cut;
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

/** Milliseconds until Temporal tries again what has failed so. */
export function pauseOf(trouble: AppError, failed: { activityType: string; attempt: number }): number {
  return pauseAfter(trouble.definition.retry ?? retryPolicyOf(failed.activityType), failed.attempt);
}

function knownAs(error: unknown): AppError {
  return error instanceof AppError ? error : (asOutage(error) ?? bug(error));
}

function bug(error: unknown): AppError {
  return new AppError("internal", { reason: reasonOf(error), request_id: "this sentence" }, { cause: error });
}
