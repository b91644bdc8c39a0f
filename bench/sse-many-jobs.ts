/**
 * Does anything get lost or late when a thousand jobs are at work, each watched by five?
 *
 * Two processes write as two workers do, with the product's mirror and notifier: 10 progress reports and one log entry a second for
 * each of their 500 jobs. The gateway is a process of its own, and the watchers, who note the id of every frame and when it came.
 * Limits, not a comparison: no ledger event lost or out of order, and of all frames 99 % within 250 ms of the commit.
 */
import type { Bench } from "./support/bench.ts";
import { SHARE, worstOf } from "./support/goals.ts";
import { percentile } from "./sse/deliveries.ts";
import { measureManyStreams } from "./sse/many-streams.ts";

const SETTING = { jobs: 1_000, watchers_per_job: 5, writers: 2, seconds: 30, logs: 1, reports: 10 };
const MAX_MS = 250;

export const sseManyJobs: Bench = {
  name: "sse-many-jobs",
  question: "Is every event of 1,000 busy jobs with 5 watchers each told, and in time?",
  unit: SHARE,
  goal: { at_most: 1 },
  async run(room) {
    const { deliveries, details } = await measureManyStreams(room, SETTING);
    const { lost, out_of_order, from_commit } = deliveries;
    return worstOf(
      [
        { what: "ledger events lost", unit: "events", value: lost, at_most: 0 },
        { what: "ledger events out of order", unit: "events", value: out_of_order, at_most: 0 },
        { what: "p99 from commit to frame", unit: "ms", value: percentile(from_commit, 0.99), at_most: MAX_MS },
      ],
      details,
    );
  },
};
