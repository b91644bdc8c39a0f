import { describe, expect, it } from "vitest";
import { FEWEST_RUNS, learn, type Run } from "../../../src/jobs/eta/learn.ts";
import { predictEnd, type RunningJob } from "../../../src/jobs/eta/predict.ts";

const STEPS = ["read", "write"] as const;
const NOW = Date.UTC(2026, 10, 26);

/** A run that takes 2 s and 10 ms a unit to read, half of that to write, by `factor`. */
const run = (size: number, factor = 1): Run => ({
  size,
  seconds: { read: (2 + size / 100) * factor, write: (1 + size / 200) * factor },
});
const STEADY = [100, 200, 400, 800, 1_600, 300, 500].map((size) => run(size));
const job = (more: Partial<RunningJob> = {}): RunningJob => ({
  size: 1_000,
  step: "read",
  elapsed: 0,
  fraction: 0,
  ...more,
});

/** Seconds from now. */
function seconds(model: ReturnType<typeof learn>, of: RunningJob) {
  const eta = model && predictEnd(model, of, NOW);
  if (!eta) return null;
  const from = (text: string): number => (Date.parse(text) - NOW) / 1_000;
  return { at: from(eta.at), low: from(eta.low), high: from(eta.high) };
}

describe("an arrival time", () => {
  it("is what runs of another size took, by their fixed part and their part per unit", () => {
    const eta = seconds(learn(STEADY, STEPS, true), job());
    expect(eta!.at).toBeCloseTo(12 + 6, 1);
    expect(eta!.low).toBeCloseTo(eta!.at, 1);
    expect(eta!.high).toBeCloseTo(eta!.at, 1);
  });

  it("is of the steps that are left only", () => {
    expect(seconds(learn(STEADY, STEPS, true), job({ step: "write", elapsed: 2 }))!.at).toBeCloseTo(6 - 2, 1);
  });

  it("is not spoilt by a run that was stuck for an hour", () => {
    const runs = [...STEADY, { size: 700, seconds: { read: 3_600, write: 3_600 } }];
    expect(seconds(learn(runs, STEPS, true), job())!.at).toBeCloseTo(18, 0);
  });

  it("follows the job's own pace, the more the further it has come", () => {
    const model = learn(STEADY, STEPS, true);
    // Twice as slow as usual: at first that says little, at the end nearly all.
    const early = seconds(model, job({ elapsed: 2.4, fraction: 0.1 }))!.at;
    const late = seconds(model, job({ elapsed: 21.6, fraction: 0.9 }))!.at;
    expect(early).toBeCloseTo(0.9 * 12 + 0.1 * 24 - 2.4 + 6, 1);
    expect(late).toBeCloseTo(0.1 * 12 + 0.9 * 24 - 21.6 + 6, 1);
  });

  it("has a range that eight in ten of past runs ended in", () => {
    const runs = Array.from({ length: 50 }, (_, at) => run(1_000, 0.5 + at / 49));
    const { at, low, high } = seconds(learn(runs, STEPS, true), job())!;
    const ends = runs.map((each) => each.seconds["read"]! + each.seconds["write"]!);
    const inside = ends.filter((end) => end >= low && end <= high).length;
    expect(inside).toBeGreaterThanOrEqual(39);
    expect(inside).toBeLessThanOrEqual(42);
    expect(low < at && at < high).toBe(true);
  });

  it("of a job that does not say its size is what runs of whatever size took", () => {
    expect(seconds(learn(STEADY, STEPS, false), job({ size: null }))!.at).toBeCloseTo(6 + 3, 0);
  });
});

describe("nobody can say", () => {
  const unknown: Record<string, [Run[], RunningJob, boolean?]> = {
    "of a type with too few runs": [STEADY.slice(0, FEWEST_RUNS - 1), job()],
    "of a size that is like none": [STEADY, job({ size: 1_000_000 })],
    "of a size far below all": [STEADY, job({ size: 1 })],
    "of runs without sizes, by size": [STEADY.map((each) => ({ ...each, size: null })), job()],
    "of runs that differ for no known reason": [
      Array.from({ length: 20 }, (_, at) => run(1_000, at % 2 ? 0.1 : 10)),
      job(),
    ],
    "of a step that says nothing and takes far too long": [STEADY, job({ elapsed: 60 })],
    "of a step that past runs had not": [STEADY, job({ step: "verify" })],
    "of runs that lack a step": [STEADY.map(({ size }) => ({ size, seconds: { read: 1 } })), job()],
  };
  it.each(Object.entries(unknown))("%s", (_, [runs, of, sized = true]) => {
    expect(seconds(learn(runs, STEPS, sized), of)).toBeNull();
  });
});

it("is a time, whatever the numbers are: never in the past, never no number", () => {
  const odd = [0, 1e-9, 1e9, Number.MAX_SAFE_INTEGER];
  for (const size of odd) {
    const runs = Array.from({ length: 6 }, () => ({ size, seconds: { read: 0, write: 0 } }));
    for (const elapsed of odd) {
      for (const fraction of [0, 0.5, 1]) {
        const eta = seconds(learn(runs, STEPS, true), job({ size, elapsed: Math.min(elapsed, 1e6), fraction }));
        if (eta) for (const each of Object.values(eta)) expect(each).toBeGreaterThanOrEqual(0);
      }
    }
  }
});
