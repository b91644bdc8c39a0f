/**
 * How long is a change on its way to a client, when nothing is in a hurry?
 *
 * 100 jobs with one client each, 5 log entries a second for each job, evenly over time, written and notified by a process of its own as
 * a worker does. From the commit until the client has the whole frame. Limits, not a comparison.
 */
import type { Bench } from "./support/bench.ts";
import { SHARE, worstOf } from "./support/goals.ts";
import { percentile } from "./sse/deliveries.ts";
import { measureManyStreams } from "./sse/many-streams.ts";

const SETTING = { jobs: 100, watchers_per_job: 1, writers: 1, seconds: 30, logs: 5, reports: 0 };
const MAX_MS = { p50: 15, p99: 100 };

export const sseLatency: Bench = {
  name: "sse-latency",
  question: "How long after its commit does a client see a change, with 100 clients and 500 changes a second?",
  unit: SHARE,
  goal: { at_most: 1 },
  async run(room) {
    const { deliveries, details } = await measureManyStreams(room, SETTING);
    const { from_commit, lost } = deliveries;
    return worstOf(
      [
        { what: "p50 from commit to frame", unit: "ms", value: percentile(from_commit, 0.5), at_most: MAX_MS.p50 },
        { what: "p99 from commit to frame", unit: "ms", value: percentile(from_commit, 0.99), at_most: MAX_MS.p99 },
        { what: "events lost", unit: "events", value: lost, at_most: 0 },
      ],
      details,
    );
  },
};
