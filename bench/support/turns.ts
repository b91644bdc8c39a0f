/** Ours and theirs in turns, so that whatever else the machine does meets both. */

export interface Turns<Ours, Theirs> {
  ours: Ours[];
  theirs: Theirs[];
}

/** ours, theirs, ours, theirs …; `round` counts from 0. */
export async function inTurns<Ours, Theirs>(
  rounds: number,
  sides: { ours: (round: number) => Promise<Ours>; theirs: (round: number) => Promise<Theirs> },
): Promise<Turns<Ours, Theirs>> {
  const turns: Turns<Ours, Theirs> = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round += 1) {
    turns.ours.push(await sides.ours(round));
    turns.theirs.push(await sides.theirs(round));
  }
  return turns;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [high = Number.NaN, low = Number.NaN] = [sorted[middle], sorted[middle - 1]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** (largest − smallest) / median: how far the rounds of one side lie apart. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** Median, spread and rounds of one side, rounded for reading. */
export function summary(values: readonly number[]): { median: number; spread: number; rounds: number[] } {
  return { median: round(median(values)), spread: round(spread(values)), rounds: values.map((value) => round(value)) };
}

/** Three significant digits after the point at most. */
export function round(value: number): number {
  return Number(value.toFixed(3));
}

/** Seconds that `work` takes, and what it answers. */
export async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const began = performance.now();
  const result = await work();
  return { seconds: (performance.now() - began) / 1_000, result };
}
