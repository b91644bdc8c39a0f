/** The lines of what was pressed and told, for people. */
import type { Act, TruthCase } from "../../test/support/truth/cases.ts";
import type { CaseOutcome, ToldAct } from "../../test/support/truth/run-case.ts";
import { WAYS } from "../../test/support/truth/watch-ways.ts";

/** Seconds. A workflow whose task fails over and over is seen when it has failed often enough. */
export const goalOf = (act: Act["act"]): number => (act === "a bug in the workflow" ? 30 : 3);

/** The slowest way; what was never told counts as infinitely late. */
export const slowest = ({ seconds }: ToldAct): number =>
  Math.max(...WAYS.map((way) => seconds[way] ?? Number.POSITIVE_INFINITY));

const WIDTH = 58;

export const HEAD = `  ${"".padEnd(WIDTH)}${[...WAYS, "goal"].map((name) => name.padStart(8)).join("")}   told`;

/** One per act, and one per fault. */
export function linesOf({ name }: TruthCase, { told, faults }: CaseOutcome): string[] {
  const lines = told.map((one) => {
    const mark = slowest(one) <= goalOf(one.act) ? "✓" : "✗";
    const cells = WAYS.map((way) => (one.seconds[way]?.toFixed(2) ?? "never").padStart(8));
    const what = told.length > 1 ? `${name}: ${one.act}` : name;
    return `${mark} ${what.padEnd(WIDTH)}${cells.join("")}${`≤ ${goalOf(one.act)}`.padStart(8)}   ${one.sentences.cli}`;
  });
  return [...lines, ...faults.map((fault) => `✗ ${name}: ${fault}`)];
}
