/** Counts the frames that watchers receive, by their blank lines: neither heads nor chunks of HTTP have two line feeds in a row. */
import { monotonicMs } from "../support/clock.ts";
import type { WatcherReader } from "./open-watchers.ts";

/** What became of the frames that were expected. Times by the machine's monotonic clock, ms. */
export interface Served {
  /** When the first watcher, half of them, and the last one had all of theirs. */
  first: number;
  half: number;
  last: number;
  /** Received since then by all together, HTTP's own included. */
  bytes: number;
}

const LF = 10;
const BLANK_LINE = Buffer.from("\n\n");

export interface FrameCounter extends WatcherReader {
  /** Counts from now on, up to so many frames for each watcher. */
  expect(frames: number): void;
  /** Resolves when each has them. Errors: some have not in time, or more than that. */
  served(limitMs: number): Promise<Served>;
  /** Resolves when nothing has come for so long. */
  quiet(ms: number): Promise<void>;
}

/** `ready`: frames after which a watcher follows; 0: the answer's head. */
export function countFrames(watchers: number, ready: number): FrameCounter {
  const frames = new Uint32Array(watchers);
  const openLine = new Uint8Array(watchers);
  const begun = new Uint8Array(watchers);
  let expected = Number.POSITIVE_INFINITY;
  let full = 0;
  let extra = 0;
  let bytes = 0;
  let readAt = 0;
  let times = { first: 0, half: 0, last: 0 };

  function countOne(watcher: number): void {
    const count = (frames[watcher] ?? 0) + 1;
    frames[watcher] = count;
    if (count > expected) extra += 1;
    if (count !== expected) return;
    full += 1;
    if (full === 1) times.first = monotonicMs();
    if (full === watchers >> 1) times.half = monotonicMs();
    if (full === watchers) times.last = monotonicMs();
  }

  return {
    read(watcher, chunk) {
      bytes += chunk.length;
      readAt = performance.now();
      begun[watcher] = 1;
      if (openLine[watcher] === 1 && chunk[0] === LF) countOne(watcher);
      for (let at = chunk.indexOf(BLANK_LINE); at >= 0; at = chunk.indexOf(BLANK_LINE, at + 2)) countOne(watcher);
      const { length } = chunk;
      openLine[watcher] = chunk[length - 1] === LF && chunk[length - 2] !== LF ? 1 : 0;
    },
    isReady: (watcher) => (ready === 0 ? begun[watcher] === 1 : (frames[watcher] ?? 0) >= ready),
    expect(count) {
      frames.fill(0);
      [expected, full, extra, bytes] = [count, 0, 0, 0];
      times = { first: 0, half: 0, last: 0 };
    },
    async served(limitMs) {
      const late = performance.now() + limitMs;
      while (full < watchers) {
        if (performance.now() > late)
          throw new Error(`only ${full} of ${watchers} watchers have all ${expected} frames`);
        await pause(2);
      }
      if (extra > 0) throw new Error(`${extra} frames came that nobody expected`);
      return { ...times, bytes };
    },
    async quiet(ms) {
      while (performance.now() - readAt < ms) await pause(ms / 4);
    },
  };
}

async function pause(ms: number): Promise<void> {
  await new Promise((next) => setTimeout(next, ms));
}
