/** The process with the watchers; see watchers.ts for what it is asked. */
import { answerQuestions } from "../support/answer-questions.ts";
import { countFrames, type FrameCounter } from "./count-frames.ts";
import { followLedger, type LedgerFollower } from "./follow-ledger.ts";
import { openWatchers, type Target, type Watchers } from "./open-watchers.ts";

let watchers: Watchers | undefined;
let counter: FrameCounter | undefined;
let follower: LedgerFollower | undefined;

function whole<T>(part: T | undefined): T {
  if (!part || !watchers) throw new Error("there are no watchers");
  if (watchers.cutOff() > 0) throw new Error(`${watchers.cutOff()} watchers were cut off`);
  return part;
}

answerQuestions({
  async count({ ready, ...target }: Target & { ready: number }) {
    counter = countFrames(target.paths.length, ready);
    watchers = await openWatchers(target, counter);
    await counter.quiet(300);
  },
  async follow({ room, ...target }: Target & { room: number }) {
    follower = followLedger(target.paths.length, room);
    watchers = await openWatchers(target, follower);
  },
  expect: (frames: number) => whole(counter).expect(frames),
  served: (limitMs: number) => whole(counter).served(limitMs),
  async arrivals({ events, patienceMs }: { events: number; patienceMs: number }) {
    // What comes late is not lost: as long as something comes, the rest may.
    let count = 0;
    for (let late = performance.now() + patienceMs; count < events && performance.now() < late; await pause(20)) {
      if (whole(follower).count() > count) late = performance.now() + patienceMs;
      count = whole(follower).count();
    }
    return whole(follower).arrivals();
  },
  leave() {
    watchers?.leave();
    watchers = undefined;
  },
});

async function pause(ms: number): Promise<void> {
  await new Promise((next) => setTimeout(next, ms));
}
