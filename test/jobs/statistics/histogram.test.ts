import { expect, test } from "vitest";
import {
  ERROR_BOUND,
  GROWTH,
  histogramOf,
  LAST_BUCKET,
  middleOf,
  percentiles,
  quantile,
} from "../../../src/jobs/statistics/histogram.ts";
import { windowAt } from "../../../src/jobs/statistics/windows.ts";

/** As the roll-up does in SQL. */
const bucketOf = (ms: number): number =>
  ms <= 1 ? 0 : Math.min(LAST_BUCKET, Math.ceil(Math.log(ms) / Math.log(GROWTH)));

const counted = (values: number[]) => values.map((ms) => ({ bucket: bucketOf(ms), count: 1 }));

/** The same numbers every time. */
function numbers(seed: number, count: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  });
}

test("every time from a millisecond to a month is told at most 5 % wrong", () => {
  for (let ms = 1.001; ms < 31 * 86_400_000; ms *= 1.003) {
    const told = middleOf(bucketOf(ms));
    expect(Math.abs(told - ms) / ms, `${ms} ms`).toBeLessThanOrEqual(ERROR_BOUND);
  }
});

test.each([1, 2, 3, 4, 5])("percentiles are those of the times themselves, within the bound (%i)", (seed) => {
  const values = numbers(seed, 2_000).map((each) => Math.exp(each * 12));
  const sorted = values.toSorted((one, other) => one - other);
  for (const share of [0.5, 0.95, 0.99]) {
    const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
    expect(Math.abs(quantile(histogramOf(counted(values)), share)! - exact) / exact).toBeLessThanOrEqual(ERROR_BOUND);
  }
});

test("histograms of parts add up to the histogram of the whole", () => {
  const values = numbers(7, 1_000).map((each) => each * 90_000);
  const parts = [values.slice(0, 10), values.slice(10, 500), [], values.slice(500)];
  const rows = parts.flatMap((part) => [...histogramOf(counted(part))].map(([bucket, count]) => ({ bucket, count })));
  expect(histogramOf(rows)).toEqual(histogramOf(counted(values)));
});

test("nothing has no percentiles; one time has it three times", () => {
  expect(percentiles(new Map())).toBeNull();
  expect(quantile(new Map(), 0.5)).toBeNull();
  const { p50_ms, p95_ms, p99_ms } = percentiles(histogramOf(counted([1_000])))!;
  expect(p50_ms).toBeGreaterThan(950);
  expect(p50_ms).toBeLessThan(1_050);
  expect([p95_ms, p99_ms]).toEqual([p50_ms, p50_ms]);
});

test("what took no time at all, and what took longer than the last bucket, still count", () => {
  expect(quantile(histogramOf(counted([0, 0, 0])), 0.5)).toBeLessThan(1);
  expect(quantile(histogramOf(counted([1e12])), 0.5)).toBeGreaterThan(31 * 86_400_000);
});

test("a long window is days up to a Monday and whole weeks from it: every moment in it is in one of the two", () => {
  for (let day = 0; day < 15; day += 1) {
    const now = Date.UTC(2026, 10, 20 + day, 13, 37);
    const { from, whole_weeks } = windowAt("30d", now);
    expect(whole_weeks!.getUTCDay()).toBe(1);
    expect(whole_weeks!.toISOString()).toMatch(/T00:00:00.000Z$/);
    expect(from.toISOString()).toMatch(/T00:00:00.000Z$/);
    const days = (whole_weeks!.getTime() - from.getTime()) / 86_400_000;
    expect(days).toBeGreaterThanOrEqual(0);
    expect(days).toBeLessThan(7);
  }
  expect(windowAt("24h", Date.now()).whole_weeks).toBeNull();
});
