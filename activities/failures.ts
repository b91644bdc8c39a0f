/** What an activity throws, in Temporal's words: the code is the failure's type, the sentence its message. */
import { CancelledFailure, ActivityFailure, ApplicationFailure } from "@temporalio/common";
import type { FailureCode } from "../contract/failures.ts";
import { AppError, reasonOf } from "../src/errors.ts";

/** Details of every failure of ours, as the workflow hands them to `settle`. */
export interface FailureDetails {
  code: FailureCode;
  facts: Record<string, unknown>;
  problems: AppError["problems"];
}

/** Attempts at what nobody foresaw (a bug) before it counts as failed: enough for a glitch, few enough to be told soon. */
const UNFORESEEN_ATTEMPTS = 5;
/** Problems beyond this stay in the ledger's count: Temporal bounds a failure's size. */
const MAX_PROBLEMS = 200;

/** Cancellation is rethrown untouched. `attempt` is the activity's, from 1. */
export function toFailure(error: unknown, attempt: number): Error {
  if (error instanceof CancelledFailure || error instanceof ActivityFailure || error instanceof ApplicationFailure)
    return error;
  const known = error instanceof AppError ? error : fromUnknown(error);
  const nonRetryable = known.code === "internal" ? attempt >= UNFORESEEN_ATTEMPTS : !known.definition.retryable;
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
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

/** SQLSTATEs (25P03: it ended a transaction that stood still) and socket errors that mean: PostgreSQL is away, not: the statement is wrong. */
const AWAY = /^(08|53|57|58|25P03)|^E(CONN|PIPE|HOST|NET|TIMEDOUT)/;

function fromUnknown(error: unknown): AppError {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as { code?: unknown }).code;
    const ended = /connection (terminated|ended|error)/i.test(cause.message);
    if ((typeof code === "string" && AWAY.test(code)) || ended) {
      return new AppError("unavailable", { service: "PostgreSQL", reason: reasonOf(cause) }, { cause: error });
    }
    // gRPC: 4 deadline exceeded, 8 resource exhausted, 14 unavailable.
    if (typeof code === "number" && [4, 8, 14].includes(code)) {
      return new AppError("unavailable", { service: "Temporal", reason: reasonOf(cause) }, { cause: error });
    }
  }
  return new AppError("internal", { reason: reasonOf(error), request_id: "of the worker" }, { cause: error });
}
