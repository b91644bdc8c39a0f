import fc from "fast-check";
import { expect, it } from "vitest";
import { createRetryPauses } from "../../src/client/retry-pauses.ts";

/** Pauses of attempts that fail one after the other. */
function pausesOf(longestRetryMs: number, retryMs: number | null, retryAfterMs: (number | null)[]): number[] {
  const pauses = createRetryPauses(longestRetryMs);
  if (retryMs !== null) pauses.serverAsks(retryMs);
  return retryAfterMs.map((ms) => pauses.next(ms));
}
const failing = (times: number): null[] => Array.from({ length: times }, () => null);

it("the longest pause is the longest, and is spread", () => {
  const longest = Array.from({ length: 50 }, () => pausesOf(15_000, 2_000, failing(9)).at(-1)!);
  expect(Math.max(...longest)).toBeLessThanOrEqual(15_000);
  expect(Math.min(...longest)).toBeGreaterThanOrEqual(10_000);
  expect(new Set(longest).size).toBeGreaterThan(25);
});

it("a server that asks for no pause at all is asked twice a second, and less and less", () => {
  const pauses = pausesOf(15_000, 0, failing(3));
  for (const [index, least] of [500, 1_000, 2_000].entries()) {
    expect(pauses[index]).toBeGreaterThanOrEqual(least);
    expect(pauses[index]).toBeLessThanOrEqual(least * 1.5);
  }
});

it("a server that asks for an hour is asked again after a minute, and half of it at most for the spread", () => {
  for (const pause of [pausesOf(15_000, 3_600_000, [null]), pausesOf(15_000, null, [3_600_000])].flat()) {
    expect(pause).toBeGreaterThanOrEqual(60_000);
    expect(pause).toBeLessThanOrEqual(90_000);
  }
});

it("no pause is shorter than what the server asks for, nor longer than both limits", () => {
  const ms = fc.nat(60_000);
  fc.assert(
    fc.property(ms, ms, fc.array(fc.option(ms), { maxLength: 12 }), (longest, retry, asked) => {
      for (const [index, pause] of pausesOf(longest, retry, asked).entries()) {
        const least = Math.max(500, retry, asked[index] ?? 0);
        expect(pause).toBeGreaterThanOrEqual(least);
        expect(pause).toBeLessThanOrEqual(Math.ceil(Math.max(longest, least * 1.5)));
      }
    }),
  );
});

it("after a frame it begins with short pauses again", () => {
  const pauses = createRetryPauses(15_000);
  for (let n = 0; n < 5; n++) pauses.next(null);
  expect(pauses.failures()).toBe(5);
  pauses.succeeded();
  expect(pauses.failures()).toBe(0);
  expect(pauses.next(null)).toBeLessThanOrEqual(750);
});
