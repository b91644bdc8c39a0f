/**
 * What past runs of a type say about the next one: per step a fixed part and a part per unit of size, both medians (Theil–Sen), so that a run
 * that was stuck for an hour spoils nothing; and how far off such a reckoning was for those runs themselves, which is the range.
 */

/** One run that went through. */
export interface Run {
  /** What there was to do, in the type's own unit; null where it did not say. */
  size: number | null;
  /** By step. */
  seconds: Readonly<Record<string, number>>;
}

/** Fewer say nothing. */
export const FEWEST_RUNS = 5;

/** Runs that are compared with each other: 60 are 1,770 pairs a step. */
const COMPARED = 60;

/** A size that is so many times beyond any that was seen is like none. */
const UNLIKE = 4;

/** Runs that differ by more than this for no reason that is known allow no word about the next. */
const WIDEST = 12;

/** Seconds: nothing takes less, and no ratio is made of less. */
const LEAST = 0.001;

export interface StepPace {
  name: string;
  fixed: number;
  per_unit: number;
  /** Of all from this step on: how much longer (over 1) or shorter it took than reckoned; one run in ten was below low, one above high. */
  rest: { low: number; high: number };
}

export interface Model {
  runs: number;
  /** Sizes that were seen; null: the model is about runs of whatever size. */
  sizes: { least: number; most: number } | null;
  steps: StepPace[];
}

/** `runs`: newest first. Null: too few, or too different from each other. `sized`: by their size; runs that have none are left out. */
export function learn(runs: readonly Run[], steps: readonly string[], sized: boolean): Model | null {
  const whole = runs.filter(({ size, seconds }) => steps.every((step) => step in seconds) && (!sized || size !== null));
  const compared = whole.slice(0, COMPARED);
  if (compared.length < FEWEST_RUNS) return null;
  const sizes = compared.map(({ size }) => (sized ? (size ?? 0) : 0));
  const lines = steps.map((step) =>
    lineThrough(
      sizes,
      compared.map(({ seconds }) => seconds[step] ?? 0),
    ),
  );
  const paces = steps.map((name, from): StepPace => {
    const ratios = compared.map(({ seconds }, run) => {
      const rest = steps.slice(from);
      const took = rest.reduce((sum, step) => sum + (seconds[step] ?? 0), 0);
      const reckoned = lines.slice(from).reduce((sum, line) => sum + valueAt(line, sizes[run] ?? 0), 0);
      return Math.max(LEAST, took) / Math.max(LEAST, reckoned);
    });
    return { name, ...lines[from]!, rest: eightInTen(ratios) };
  });
  const { low, high } = paces[0]?.rest ?? { low: 1, high: 1 };
  if (high / low > WIDEST) return null;
  return {
    ...{ runs: compared.length, steps: paces },
    sizes: sized ? { least: Math.min(...sizes), most: Math.max(...sizes) } : null,
  };
}

/** Was anything like it seen? */
export function isLike({ sizes }: Model, size: number | null): boolean {
  if (sizes === null) return true;
  return size !== null && size >= sizes.least / UNLIKE && size <= sizes.most * UNLIKE;
}

export const valueAt = ({ fixed, per_unit }: Pick<StepPace, "fixed" | "per_unit">, size: number): number =>
  Math.max(0, fixed + per_unit * size);

/** The median of the slopes between any two, and of what is left without it; never falling: more is not done sooner. */
function lineThrough(sizes: readonly number[], seconds: readonly number[]): { fixed: number; per_unit: number } {
  const slopes: number[] = [];
  for (let one = 0; one < sizes.length; one += 1) {
    for (let other = one + 1; other < sizes.length; other += 1) {
      const apart = sizes[other]! - sizes[one]!;
      if (apart !== 0) slopes.push((seconds[other]! - seconds[one]!) / apart);
    }
  }
  const per_unit = slopes.length === 0 ? 0 : Math.max(0, quantileOf(slopes, 0.5));
  return {
    per_unit,
    fixed: quantileOf(
      sizes.map((size, at) => seconds[at]! - per_unit * size),
      0.5,
    ),
  };
}

/** Without the lowest and the highest tenth, and of few without the lowest and the highest: one that was stuck widens nothing. */
function eightInTen(values: readonly number[]): { low: number; high: number } {
  const sorted = values.toSorted((one, other) => one - other);
  const last = sorted.length - 1;
  return { low: sorted[Math.ceil(last * 0.1)] ?? 1, high: sorted[Math.floor(last * 0.9)] ?? 1 };
}

/** Between the two nearest. NaN of nothing. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return low + (high - low) * (at - Math.floor(at));
}
