/**
 * What do 5,000 watchers of one job cost, against the least that can serve them?
 *
 * Ours: the gateway's process. Theirs: a bare `node:http` server that LISTENs, reads one row and writes one shared buffer to every
 * response (bench/sse/bare-server.ts). Both with the same flags for V8, on the same PostgreSQL, with 5,000 watchers each at the same
 * time, in turns. A change is committed by the bench's process, then notified; time runs from the commit until the last watcher,
 * in a process of its own, has the whole frame. Memory is what the server's process has grown by, per watcher, when all are idle.
 */
import type { Bench } from "./support/bench.ts";
import { SHARE, worstOf } from "./support/goals.ts";
import { median } from "./support/turns.ts";
import { startBareSide } from "./sse/bare-fan-out.ts";
import { BURST, described, measureFanOut, WATCHERS, type FanOut } from "./sse/fan-out.ts";
import { startOurSide } from "./sse/our-side.ts";

/** Of the bare server's. */
const TIMES = 1.1;
const MAX_KB = 15;

export const sseFanout: Bench = {
  name: "sse-fanout",
  question: "How soon and how cheaply do 5,000 watchers see a change, against a bare server writing one buffer?",
  unit: SHARE,
  goal: { at_most: 1 },
  async run(room) {
    const { gateway, ours } = await startOurSide(room);
    const bare = await startBareSide(room, gateway.url);
    const [our, their] = (await measureFanOut(room, [ours, bare])) as [FanOut, FanOut];
    return worstOf(
      [
        { what: "last one served", unit: "× bare", value: median(our.last) / median(their.last), at_most: TIMES },
        {
          ...{ what: "deliveries/s", unit: "× bare", value: median(our.deliveries) / median(their.deliveries) },
          at_least: 1 / TIMES,
        },
        { what: "memory per idle watcher", unit: "KB", value: our.memory, at_most: MAX_KB },
      ],
      { watchers: WATCHERS, changes_in_a_burst: BURST, ours: described(our), theirs: described(their) },
    );
  },
};
