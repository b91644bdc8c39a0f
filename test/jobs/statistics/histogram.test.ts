import { expect, test } from "vitest";
import {
  addCounts,
  createHistogram,
  ERROR_BOUND,
  GROWTH,
  LAST_BUCKET,
  middleOf,
  percentiles,
  quantile,
  sumOf,
  type Histogram,
} from "../../../src/jobs/statistics/histogram.ts";
import { windowAt } from "../../../src/jobs/statistics/windows.ts";

/** As the roll-up does in SQL. */
const bucketOf = (ms: number): number =>
  ms <= 1 ? 0 : Math.min(LAST_BUCKET, Math.ceil(Math.log(ms) / Math.log(GROWTH)));

/** One row for each, as PostgreSQL prints it. */
function histogramOf(values: number[]): Histogram {
  const sum = createHistogram();
  for (const ms of values) addCounts(sum, `{"${bucketOf(ms)}": 1}`);
  return sum;
}

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
    expect(Math.abs(quantile(histogramOf(values), share)! - exact) / exact).toBeLessThanOrEqual(ERROR_BOUND);
  }
});

test("histograms of parts add up to the histogram of the whole", () => {
  const values = numbers(7, 1_000).map((each) => each * 90_000);
  const parts = [values.slice(0, 10), values.slice(10, 500), [], values.slice(500)];
  expect(sumOf(parts.map(histogramOf))).toEqual(histogramOf(values));
});

test("counts are read as PostgreSQL prints them", () => {
  const sum = createHistogram();
  addCounts(sum, "{}");
  expect(sum.every((count) => count === 0)).toBe(true);
  addCounts(sum, '{"0": 7, "96": 12, "231": 1000000}');
  addCounts(sum, '{"96": 3}');
  expect([sum[0], sum[96], sum[231], sum.reduce((all, count) => all + count)]).toEqual([7, 15, 1_000_000, 1_000_022]);
});

test("nothing has no percentiles; one time has it three times", () => {
  expect(percentiles(createHistogram())).toBeNull();
  expect(quantile(createHistogram(), 0.5)).toBeNull();
  const { p50_ms, p95_ms, p99_ms } = percentiles(histogramOf([1_000]))!;
  expect(p50_ms).toBeGreaterThan(950);
  expect(p50_ms).toBeLessThan(1_050);
  expect([p95_ms, p99_ms]).toEqual([p50_ms, p50_ms]);
});

test("what took no time at all, and what took longer than the last bucket, still count", () => {
  expect(quantile(histogramOf([0, 0, 0]), 0.5)).toBeLessThan(1);
  expect(quantile(histogramOf([1e12]), 0.5)).toBeGreaterThan(31 * 86_400_000);
});

test.each([
  { window: "30d", coarse: "week", unit: 86_400_000, most: 7 },
  { window: "48h", coarse: "day", unit: 3_600_000, most: 24 },
] as const)("$window is read finely up to its first whole $coarse, and by the $coarse from there on", (each) => {
  const { window, coarse, unit, most } = each;
  for (let step = 0; step < 60; step += 1) {
    const now = Date.UTC(2026, 10, 20, 13, 37) + step * unit;
    const { from, coarse: whole } = windowAt(window, now);
    expect(whole.grain).toBe(coarse);
    expect(from.getTime() % unit).toBe(0);
    expect(whole.from.toISOString()).toMatch(/T00:00:00.000Z$/);
    if (coarse === "week") expect(whole.from.getUTCDay()).toBe(1);
    const fine = (whole.from.getTime() - from.getTime()) / unit;
    expect(fine).toBeGreaterThanOrEqual(0);
    expect(fine).toBeLessThan(most);
  }
});
