/** Several goals of one bench as one figure: the worst of them. */
import type { Measurement } from "./bench.ts";
import { round } from "./turns.ts";

export type Goal = { what: string; unit: string; value: number } & ({ at_most: number } | { at_least: number });

/** For `unit` of a bench that counts so. */
export const SHARE = "of the limit (the worst goal)";

/** How much of what it may be the value is: 1 is just met, 2 missed by half. What may not be at all counts from 1 on. */
export function shareOf(goal: Goal): number {
  if ("at_least" in goal) return goal.at_least / goal.value;
  return goal.at_most === 0 ? (goal.value === 0 ? 0 : 1 + goal.value) : goal.value / goal.at_most;
}

/** The worst share as `ours` against 1, and every goal in the details. */
export function worstOf(goals: readonly Goal[], details: Record<string, unknown>): Measurement {
  const shares = goals.map(shareOf);
  const told = goals.map((goal, at) => {
    const { what, value, unit } = goal;
    const limit = "at_least" in goal ? `≥ ${round(goal.at_least)}` : `≤ ${round(goal.at_most)}`;
    return { what, value: round(value), goal: limit, unit, met: (shares[at] ?? Number.NaN) <= 1 };
  });
  return { ours: Math.max(...shares), theirs: 1, details: { goals: told, ...details } };
}
