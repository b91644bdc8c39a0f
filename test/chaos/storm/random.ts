/** Chance that can be had again: the seed is printed, and `CHAOS_SEED` brings it back. */
import { randomInt } from "node:crypto";

export interface Random {
  seed: number;
  /** At least 0, less than 1. */
  next(): number;
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number;
  pick<T>(from: readonly T[]): T | undefined;
  shuffle<T>(items: readonly T[]): T[];
}

/** `seed`: by default that of `CHAOS_SEED`, else a new one. */
export function createRandom(seed = Number(process.env["CHAOS_SEED"] || randomInt(1, 2 ** 31))): Random {
  let state = seed;
  // mulberry32: one multiplication more than a linear one, and every seed is as good as another.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    ...{ seed, next, between },
    pick: (from) => from[between(0, from.length - 1)],
    shuffle(items) {
      const all = [...items];
      for (let at = all.length - 1; at > 0; at--) {
        const other = between(0, at);
        [all[at], all[other]] = [all[other]!, all[at]!];
      }
      return all;
    },
  };
}
