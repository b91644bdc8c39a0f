/**
 * How long after something is done in Temporal does Platen tell it?
 *
 * Every line of the table in docs/operations.md, before the switch and after it, with 200 other publishes in their upload: pressed by the
 * calls that the Web UI makes, and by the `temporal` command. From the press until the row, a stream that was open before, and
 * `platen watch --json` (or `platen jobs`, where the watch has ended) say it. Limits, not a comparison. `PLATEN_TRUTH_CASES`, a
 * regular expression, picks some; `PLATEN_TRUTH_OTHERS` is the number of the others.
 */
import { startOwnPostgres, startOwnTemporal } from "../test/support/own-servers.ts";
import { TRUTH_CASES } from "../test/support/truth/cases.ts";
import { runCase } from "../test/support/truth/run-case.ts";
import { createTruthRoom } from "../test/support/truth/truth-room.ts";
import { openOthers } from "./operator-truth/open-others.ts";
import { goalOf, HEAD, linesOf, slowest } from "./operator-truth/table.ts";
import type { Bench } from "./support/bench.ts";
import { SHARE, worstOf, type Goal } from "./support/goals.ts";

const OTHERS = Number(process.env["PLATEN_TRUTH_OTHERS"] ?? 200);
const WANTED = new RegExp(process.env["PLATEN_TRUTH_CASES"] ?? "");
/** What was never told, for the arithmetic. */
const NEVER_S = 1_000;

export const operatorTruth: Bench = {
  name: "operator-truth",
  question:
    "How many seconds after an operator's press do row, stream and command line tell it, with 200 other jobs open?",
  unit: SHARE,
  goal: { at_most: 1 },
  async run(room) {
    room.tell("starting PostgreSQL, Temporal, gateway and worker");
    const [database, temporal] = await Promise.all([startOwnPostgres(), startOwnTemporal()]);
    const truth = await createTruthRoom({ database, temporal });
    room.onEnd(() => truth.close());
    room.tell(`opening ${OTHERS} other publishes`);
    await openOthers(truth, OTHERS);
    const goals: Goal[] = [];
    const lines: string[] = [];
    let faults = 0;
    room.tell(HEAD);
    for (const each of TRUTH_CASES.filter(({ name }) => WANTED.test(name))) {
      const outcome = await runCase(truth, each);
      for (const one of outcome.told) {
        const value = Math.min(NEVER_S, slowest(one));
        goals.push({ what: `${each.name}: ${one.act}`, unit: "s", value, at_most: goalOf(one.act) });
      }
      faults += outcome.faults.length;
      const told = linesOf(each, outcome);
      for (const line of told) room.tell(line);
      lines.push(...told);
    }
    goals.push({ what: "publishes that did not end as they must", unit: "faults", value: faults, at_most: 0 });
    return worstOf(goals, { others: OTHERS, table: lines });
  },
};
