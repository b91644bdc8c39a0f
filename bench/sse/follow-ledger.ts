/** Notes when each watcher received which ledger event: frames with an `id`. */
import { monotonicMs } from "../support/clock.ts";
import type { WatcherReader } from "./open-watchers.ts";

/** One entry per ledger event that a watcher received, in the order of arrival. */
export interface Arrivals {
  watcher: Uint32Array;
  seq: Uint32Array;
  /** By the machine's monotonic clock, ms. */
  at: Float64Array;
  /** Frames without an id: progress and pings. */
  others: number;
  bytes: number;
}

export interface LedgerFollower extends WatcherReader {
  /** How many events have arrived. */
  count(): number;
  arrivals(): Arrivals;
}

const [CR, LF] = [13, 10];
const BLANK_LINE = Buffer.from("\n\n");
const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** `room`: events at most, of all watchers together. */
export function followLedger(watchers: number, room: number): LedgerFollower {
  const watcherOf = new Uint32Array(room);
  const seqOf = new Uint32Array(room);
  const atOf = new Float64Array(room);
  /** What a watcher has received of a frame that has not ended. */
  const rest: (Buffer | null)[] = Array.from({ length: watchers }, () => null);
  const begun = new Uint8Array(watchers);
  const ready = new Uint8Array(watchers);
  let [count, others, bytes] = [0, 0, 0];

  function frame(watcher: number, seq: number, at: number): void {
    ready[watcher] = 1;
    if (seq < 0) others += 1;
    else if (count === room) throw new Error("more events came than there are");
    else {
      [watcherOf[count], seqOf[count], atOf[count]] = [watcher, seq, at];
      count += 1;
    }
  }

  return {
    read(watcher, chunk) {
      const at = monotonicMs();
      bytes += chunk.length;
      const before = rest[watcher];
      const text = before ? Buffer.concat([before, chunk]) : chunk;
      let from = 0;
      if (begun[watcher] === 0) {
        const head = text.indexOf(END_OF_HEAD);
        if (head >= 0) {
          begun[watcher] = 1;
          from = head + END_OF_HEAD.length;
        }
      }
      if (begun[watcher] === 1) {
        for (let end = text.indexOf(BLANK_LINE, from); end >= 0; end = text.indexOf(BLANK_LINE, from)) {
          frame(watcher, idAt(text, beginOf(text, from)), at);
          from = end + 2;
        }
      }
      rest[watcher] = from < text.length ? Buffer.from(text.subarray(from)) : null;
    },
    isReady: (watcher) => ready[watcher] === 1,
    count: () => count,
    arrivals: () => ({
      ...{ watcher: watcherOf.slice(0, count), seq: seqOf.slice(0, count), at: atOf.slice(0, count), others, bytes },
    }),
  };
}

/** Behind the end of one chunk of HTTP and the length of the next, where a frame stands at a chunk's beginning. */
function beginOf(text: Buffer, from: number): number {
  const start = text[from] === CR ? from + 2 : from;
  // A chunk's length ends with CR LF; lines of frames end with LF alone.
  const end = text.indexOf(LF, start);
  return text[end - 1] === CR ? end + 1 : start;
}

/** The number in `id: 123`, or -1 when the frame begins otherwise. */
function idAt(text: Buffer, start: number): number {
  // "id: "
  if (text[start] !== 105 || text[start + 1] !== 100 || text[start + 2] !== 58) return -1;
  let seq = 0;
  for (let at = start + 4; text[at] !== LF; at += 1) seq = seq * 10 + ((text[at] ?? 0) - 48);
  return seq;
}
