/** Every failure code: what ends an activity, and after which pauses what does not is tried again. */
import { expect, it } from "vitest";
import { ApplicationFailure } from "@temporalio/common";
import { msToNumber } from "@temporalio/common/lib/time.js";
import { pauseOf, toFailure, troubleOf, UNFORESEEN_ATTEMPTS } from "../../activities/failures.ts";
import { FAILURES, type FailureCode, type FailureDefinition } from "../../contract/failures.ts";
import { retryPolicyOf } from "../../contract/retry-policies.ts";
import { AppError } from "../../src/errors.ts";

const CODES = Object.entries(FAILURES) as [FailureCode, FailureDefinition][];
const ATTEMPTS = Array.from({ length: 20 }, (_, index) => index + 1);
const failureOf = (code: FailureCode, attempt = 1, unforeseen?: () => number): ApplicationFailure => {
  const failure = toFailure(new AppError(code, { job: "j" }), unforeseen, attempt);
  if (!(failure instanceof ApplicationFailure)) throw failure;
  return failure;
};

it.each(CODES)("%s ends its activity exactly if it does not mend itself", (code, { retryable }) => {
  const { nonRetryable, type } = failureOf(code);
  expect({ type, nonRetryable }).toEqual({ type: code, nonRetryable: !retryable });
});

it.each(CODES)("%s is told in the job exactly if the job waits for it", (code, { retryable }) => {
  expect(troubleOf(new AppError(code)) !== null).toBe(retryable && code !== "superseded");
});

it.each(CODES.filter(([, { retryable }]) => retryable))(
  "%s waits twice as long each time, up to a limit",
  (code, { retry }) => {
    const { initial_ms, maximum_ms } = retry ?? retryPolicyOf("upload");
    const pauses = ATTEMPTS.map((attempt) => pauseOf(new AppError(code), { activityType: "upload", attempt }));
    expect(pauses).toEqual(ATTEMPTS.map((attempt) => Math.min(maximum_ms, initial_ms * 2 ** (attempt - 1))));
    // What is told is what Temporal does: it knows the activity's pauses itself, and is told those of the code.
    const told = ATTEMPTS.map((attempt) => failureOf(code, attempt).nextRetryDelay);
    expect(told.map((delay) => (delay == null ? null : msToNumber(delay)))).toEqual(
      retry ? pauses : ATTEMPTS.map(() => null),
    );
  },
);

it("what nobody foresaw is given up after some attempts", () => {
  const ends = ATTEMPTS.slice(0, 6).map((count) => failureOf("internal", 1, () => count).nonRetryable);
  expect(ends).toEqual(ATTEMPTS.slice(0, 6).map((count) => count >= UNFORESEEN_ATTEMPTS));
});
