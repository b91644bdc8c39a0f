import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { pauseOf, toFailure, UNFORESEEN_ATTEMPTS } from "../../activities/failures.ts";
import { AppError } from "../../src/errors.ts";

const coded = (message: string, facts: object): Error => Object.assign(new Error(message), facts);
const failure = (error: unknown, count = 1): ApplicationFailure => toFailure(error, () => count) as ApplicationFailure;

describe("toFailure", () => {
  it("keeps code, sentence, action and problems for the operator and for settle", () => {
    const problems = [{ code: "config_missing", path: "/config", message: "none" }];
    const { type, message, nonRetryable, details } = failure(
      new AppError("version_invalid", { count: 1, first: "/config: none" }, { problems }),
    );
    expect(type).toBe("version_invalid");
    expect(message).toBe(
      "The version has 1 problem(s); the first: /config: none. Mend what `errors` lists, then publish again.",
    );
    expect(nonRetryable).toBe(true);
    expect(details).toEqual([{ code: "version_invalid", facts: { count: 1, first: "/config: none" }, problems }]);
  });

  it("is of a size that Temporal takes, whatever people wrote into what failed", () => {
    const long = "ä".repeat(5_000_000);
    const some = "ö".repeat(20_000);
    const problems = Array.from({ length: 1_000 }, () => ({
      code: "code_failed",
      path: some,
      message: some,
      value: [some],
    }));
    const facts = { line: 3, reason: long, first: long, list: [long], result: { rows: 7 } };
    const cause = new TypeError(long, { cause: new Error(long) });
    for (const error of [new AppError("code_failed", facts, { problems, cause }), cause]) {
      const cut = failure(error);
      const causes = [cut.cause, cut.cause?.cause, (cut.cause?.cause as Error | undefined)?.cause] as (
        | Error
        | undefined
      )[];
      const sent = [cut.message, cut.details, ...causes.map((each) => [each?.message, each?.stack])];
      expect(Buffer.byteLength(JSON.stringify(sent))).toBeLessThan(1_900_000);
      expect(cut.cause?.message).toMatch(/^.{1,2001}$/);
    }
    const [details] = failure(new AppError("code_failed", facts, { problems })).details as [
      { facts: object; problems: object[] },
    ];
    expect(details.facts).toMatchObject({ line: 3, reason: `${"ä".repeat(2_000)}…`, result: { rows: 7 } });
    expect(details.problems.length).toBeGreaterThan(10);
  });

  it.each([
    ["a full store", new AppError("store_full", { key: "k", reason: "no space" })],
    ["a newer attempt", new AppError("superseded", { job: "j" })],
    ["PostgreSQL shutting down", coded("terminating connection", { code: "57P01" })],
    ["a transaction that stood still", coded("idle", { code: "25P03" })],
    ["a deadlock", coded("deadlock detected", { code: "40P01" })],
    ["a lost connection", new Error("Connection terminated unexpectedly")],
    ["a pool that waited too long", new Error("timeout exceeded when trying to connect")],
    ["a host without a name", coded("getaddrinfo ENOTFOUND db", { code: "ENOTFOUND", syscall: "getaddrinfo" })],
    [
      "a refused connection, one error per address",
      new AggregateError([coded("refused", { code: "ECONNREFUSED", syscall: "connect" })]),
    ],
    ["an outage as a cause", new Error("query failed", { cause: coded("shutdown", { code: "57P01" }) })],
    ["Temporal away", coded("14 UNAVAILABLE", { code: 14 })],
  ])("is tried again, however often: %s", (_, error) => {
    expect(failure(error, 1_000).nonRetryable).toBe(false);
  });

  it("gives up on a bug after some tries, and never where there is no giving up", () => {
    const bug = new TypeError("x is not a function");
    expect(failure(bug, UNFORESEEN_ATTEMPTS - 1)).toMatchObject({ type: "internal", nonRetryable: false });
    expect(failure(bug, UNFORESEEN_ATTEMPTS)).toMatchObject({ type: "internal", nonRetryable: true });
    expect(toFailure(bug)).toMatchObject({ type: "internal", nonRetryable: false });
  });

  it("gives a code's own pause to Temporal, and leaves others to the activity's policy", () => {
    const full = new AppError("store_full", { key: "k", reason: "no space" });
    const delays = [1, 2, 3, 99].map((attempt) => toFailure(full, undefined, attempt) as ApplicationFailure);
    expect(delays.map(({ nextRetryDelay }) => nextRetryDelay)).toEqual([2_000, 4_000, 8_000, 60_000]);
    expect(failure(new AppError("store_unavailable", { key: "k", reason: "away" })).nextRetryDelay).toBeUndefined();
  });

  it("never wraps a cancellation, nor a failure that Temporal knows already", () => {
    const cancelled = new CancelledFailure("CANCELLED");
    expect(toFailure(cancelled)).toBe(cancelled);
    const retryable = ApplicationFailure.retryable("again");
    expect(toFailure(retryable)).toBe(retryable);
  });
});

describe("pauseOf", () => {
  const away = new AppError("store_unavailable", { key: "k", reason: "away" });
  const after = (trouble: AppError, activityType: string, attempt: number) =>
    pauseOf(trouble, { activityType, attempt });

  it("is the activity's policy, and the code's where it has one", () => {
    expect([1, 2, 6, 99].map((attempt) => after(away, "upload", attempt))).toEqual([500, 1_000, 15_000, 15_000]);
    expect(after(away, "markPublished", 99)).toBe(5_000);
    const full = new AppError("store_full", { key: "k", reason: "no space" });
    expect([1, 99].map((attempt) => after(full, "upload", attempt))).toEqual([2_000, 60_000]);
  });

  it("is the usual one for an activity that the table does not name", () => {
    expect([1, 2, 99].map((attempt) => after(away, "somethingElse", attempt))).toEqual([500, 1_000, 15_000]);
  });
});
