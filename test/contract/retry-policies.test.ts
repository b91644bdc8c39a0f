import { expect, it } from "vitest";
import { createActivities } from "../../activities/index.ts";
import type { ActivityDeps } from "../../activities/steps.ts";
import { FAILURES, type FailureDefinition } from "../../contract/failures.ts";
import { pauseAfter, RETRY_POLICIES } from "../../contract/retry-policies.ts";

it("every activity has a policy, and no other name has", () => {
  // Nothing is called: the names are looked at.
  const names = Object.keys(createActivities({} as ActivityDeps));
  expect(Object.keys(RETRY_POLICIES).toSorted()).toEqual(names.toSorted());
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
