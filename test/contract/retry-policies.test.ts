import { expect, it } from "vitest";
import { FAILURES, type FailureDefinition } from "../../contract/failures.ts";
import { pauseAfter, retryPolicyOf } from "../../contract/retry-policies.ts";

it("an activity that the table does not name is tried again soon, also one that is called like a method of objects", () => {
  expect(retryPolicyOf("upload")).toEqual({ initial_ms: 500, coefficient: 2, maximum_ms: 15_000 });
  expect(retryPolicyOf("constructor")).toEqual(retryPolicyOf("upload"));
  expect(retryPolicyOf("settle")).toEqual({ initial_ms: 500, coefficient: 2, maximum_ms: 5_000 });
});

it("only failures that are tried again have a policy of their own", () => {
  const definitions: [string, FailureDefinition][] = Object.entries(FAILURES);
  const final = definitions.filter(([, { retry, retryable }]) => retry && !retryable);
  expect(final.map(([code]) => code)).toEqual([]);
});

it("pauses grow up to the longest one, and stay there", () => {
  const policy = { initial_ms: 500, coefficient: 2, maximum_ms: 15_000 };
  expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => pauseAfter(policy, attempt))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000,
  ]);
  expect(pauseAfter(policy, 1_000_000)).toBe(15_000);
});
