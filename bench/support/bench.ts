/** What a bench is, and what it is given. */

/** One question with a number for an answer. `ratio` is always ours / theirs, of one run on one machine. */
export interface Bench {
  /** kebab-case: `npm run bench NAME`, `results/NAME.json`, and a heading of docs/performance.md. */
  name: string;
  /** One sentence. */
  question: string;
  /** What `ours` and `theirs` count, e.g. `publishes/s`. */
  unit: string;
  goal: { at_least: number } | { at_most: number };
  /** Starts what it needs, measures both sides in turns, answers. What it started is stopped by `onEnd`. */
  run(room: BenchRoom): Promise<Measurement>;
}

export interface BenchRoom {
  /** Empty, on the disk of the checkout; removed at the end, kept after a failure. */
  folder: string;
  /** One line of progress, to stderr. */
  tell(line: string): void;
  /** Runs when the bench is over, however it ends; the last one added first. */
  onEnd(stop: () => Promise<void>): void;
}

export interface Measurement {
  ours: number;
  theirs: number;
  /** False when a second limit, told in the details, is missed; then the bench is not met either. */
  alsoMet?: boolean;
  /** Goes into the result's file: the single rounds, what each side did, and where its time went. */
  details: Record<string, unknown>;
}

export const goalText = ({ goal }: Pick<Bench, "goal">): string =>
  "at_least" in goal ? `≥ ${goal.at_least}` : `≤ ${goal.at_most}`;

export const isMet = ({ goal }: Pick<Bench, "goal">, ratio: number): boolean =>
  "at_least" in goal ? ratio >= goal.at_least : ratio <= goal.at_most;
