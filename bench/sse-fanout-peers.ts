/**
 * The same figures as `sse-fanout`, against two that people use: Nchan (an nginx module in C) and better-sse on Koa.
 *
 * Theirs is told a change by a POST of the frame's data and keeps it in memory at most; time runs from the request. Ours is a change of
 * a job that has been committed to PostgreSQL; time runs from the commit, so it includes the NOTIFY, two queries and the encoding.
 * The result's file has ours from before the commit as well. One process each, all with their 5,000 watchers at the same time, in turns.
 */
import { v7 as uuidv7 } from "uuid";
import type { Bench } from "./support/bench.ts";
import { SHARE, worstOf, type Goal } from "./support/goals.ts";
import { median } from "./support/turns.ts";
import { startBetterSse } from "./sse/better-sse.ts";
import { BURST, described, measureFanOut, WATCHERS, type FanOut } from "./sse/fan-out.ts";
import { startNchan } from "./sse/nchan.ts";
import { startOurSide } from "./sse/our-side.ts";

export const sseFanoutPeers: Bench = {
  name: "sse-fanout-peers",
  question: "How soon do 5,000 watchers see a change, against Nchan and better-sse?",
  unit: SHARE,
  goal: { at_most: 1 },
  async run(room) {
    const job = uuidv7();
    const nchanSide = await startNchan(room, job);
    const { ours } = await startOurSide(room);
    const sides = [ours, nchanSide, await startBetterSse(room, job)];
    const [our, nchan, betterSse] = (await measureFanOut(room, sides)) as [FanOut, FanOut, FanOut];
    return worstOf([...goalsAgainst("Nchan", our, nchan), ...goalsAgainst("better-sse", our, betterSse)], {
      watchers: WATCHERS,
      changes_in_a_burst: BURST,
      ours: described(our),
      nchan: described(nchan),
      better_sse: described(betterSse),
    });
  },
};

function goalsAgainst(name: string, our: FanOut, their: FanOut): Goal[] {
  const unit = `× ${name}`;
  return [
    { what: "last one served", unit, value: median(our.last) / median(their.last), at_most: 1 },
    { what: "deliveries/s", unit, value: median(our.deliveries) / median(their.deliveries), at_least: 1 },
  ];
}
