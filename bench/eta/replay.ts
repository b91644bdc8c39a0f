/** How far off arrival times would have been: each recorded run is foretold from those that ended before it. */
import { learn, quantileOf, type Run } from "../../src/jobs/eta/learn.ts";
import { predictEnd } from "../../src/jobs/eta/predict.ts";

/** Runs that are only learned from. */
const FIRST = 10;

export interface Replayed {
  /** Runs that were foretold. */
  foretold: number;
  /** Runs about which nothing was said. */
  unknown: number;
  /** |foretold − true| / true, of the whole run's time. */
  median_error: number;
  /** Share of runs that ended within the range. */
  within_range: number;
  /** The same error of who tells the median time of the runs before, whatever their size. */
  naive_median_error: number;
}

/**
 * `runs`: oldest first. `from`: the step at whose beginning it is foretold, when nothing of that step is known. Progress within steps is not
 * recorded, so none is used: with it arrival times get better as a step goes on.
 */
export function replay(runs: readonly Run[], steps: readonly string[], from: string): Replayed {
  const at = steps.indexOf(from);
  const errors: number[] = [];
  const naive: number[] = [];
  let [inside, unknown] = [0, 0];
  const wholeOf = ({ seconds }: Run): number => steps.reduce((sum, step) => sum + (seconds[step] ?? 0), 0);
  for (let index = FIRST; index < runs.length; index += 1) {
    const run = runs[index]!;
    const before = runs.slice(0, index).toReversed();
    const model = learn(before, steps, true);
    const eta = model && predictEnd(model, { size: run.size, step: from, elapsed: 0, fraction: 0 }, 0);
    if (!eta) {
      unknown += 1;
      continue;
    }
    const spent = steps.slice(0, at).reduce((sum, step) => sum + (run.seconds[step] ?? 0), 0);
    const whole = wholeOf(run);
    const foretold = (text: string): number => spent + Date.parse(text) / 1_000;
    errors.push(Math.abs(foretold(eta.at) - whole) / whole);
    // ISO times have milliseconds.
    if (whole >= foretold(eta.low) - 0.001 && whole <= foretold(eta.high) + 0.001) inside += 1;
    naive.push(Math.abs(quantileOf(before.map(wholeOf), 0.5) - whole) / whole);
  }
  return {
    ...{ foretold: errors.length, unknown, median_error: quantileOf(errors, 0.5) },
    ...{ within_range: inside / errors.length, naive_median_error: quantileOf(naive, 0.5) },
  };
}
