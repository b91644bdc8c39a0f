/** One change, and many, told to all watchers of one thing: the same figures for every server. */
import type { BenchRoom } from "../support/bench.ts";
import { monotonicMs } from "../support/clock.ts";
import { cpuSeconds } from "../support/cpu.ts";
import { readMemory } from "../support/memory.ts";
import { median, round, summary } from "../support/turns.ts";
import type { Target } from "./open-watchers.ts";
import type { WatcherProcess } from "./watchers.ts";

export const WATCHERS = 5_000;
/** Single changes per side, and those before them that count for nothing. */
export const ROUNDS = 9;
const WARM_UP = 3;
/** Changes that come as fast as they can, and how often. */
export const BURST = 50;
export const BURSTS = 3;

/** Watchers that come and go before memory is read: what a server needs once is not what a watcher costs. */
const FIRST_WATCHERS = 500;
/** V8 gives garbage back when it has been idle for some seconds. */
const SETTLE_MS = 10_000;
/** Long, so that a slow server gets its figure as well. */
const LIMIT_MS = 120_000;

export interface FanOutSide {
  name: string;
  /** Of the process that writes to the watchers. */
  pid: number;
  watchers: WatcherProcess;
  target: Omit<Target, "paths"> & { path: string };
  /** Frames that a watcher is greeted with. */
  greeting: number;
  /** Makes so many changes, one after the other. Each is one frame. Answers when the first one could be told. */
  change(count: number): Promise<ChangeTimes>;
}

/** By the machine's monotonic clock, ms. */
export interface ChangeTimes {
  /** Just before it was written or sent. */
  asked: number;
  /** Its commit was acknowledged: what is left is to tell it. The same where nothing is committed. */
  committed: number;
}

export interface FanOut {
  /** KB (1,000 bytes) per idle watcher. */
  memory: number;
  /** ms from the commit, and from asking for it, until the last watcher had the frame. */
  last: number[];
  last_from_asking: number[];
  /** ms after the first until the last one, of the median round. */
  deliveries: number[];
  /** Bytes of one frame on the wire. */
  frame_bytes: number;
  /** CPU µs per delivery in bursts: of the server, and of the client that counts. */
  cpu: { server: number; client: number };
}

/** All sides have their watchers at the same time, and are measured in turns. */
export async function measureFanOut(room: BenchRoom, sides: readonly FanOutSide[]): Promise<FanOut[]> {
  room.tell(`${FIRST_WATCHERS} watchers come and go on each side`);
  await eachInTurn(sides, async (side) => {
    await gather(side, FIRST_WATCHERS);
    await oneChange(side, 1);
    await side.watchers.leave();
  });
  await pause(SETTLE_MS);
  const before = await eachInTurn(sides, ({ pid }) => readMemory(pid));
  room.tell(`${WATCHERS} watchers come on each side`);
  await eachInTurn(sides, (side) => gather(side, WATCHERS));
  await pause(SETTLE_MS);
  const memory = await eachInTurn(sides, async ({ pid }, at) => {
    const grown = (await readMemory(pid)).rss - (before[at]?.rss ?? Number.NaN);
    return round((grown * 1e3) / WATCHERS);
  });
  const found = sides.map((_, at): FanOut => {
    return {
      ...{ memory: memory[at] ?? Number.NaN, last: [], last_from_asking: [], deliveries: [], frame_bytes: 0 },
      cpu: { server: 0, client: 0 },
    };
  });
  for (let turn = -WARM_UP; turn < ROUNDS; turn += 1) {
    await eachInTurn(sides, async (side, at) => {
      const { asked, committed, last, bytes } = await oneChange(side, 1);
      if (turn < 0) return;
      found[at]!.last.push(last - committed);
      found[at]!.last_from_asking.push(last - asked);
      found[at]!.frame_bytes = Math.round(bytes / WATCHERS);
    });
  }
  for (let turn = 0; turn < BURSTS; turn += 1) await eachInTurn(sides, (side, at) => burst(side, found[at]!));
  for (const [at, { name }] of sides.entries()) tellOf(room, name, found[at]!);
  return found;
}

export const described = ({ memory, last, last_from_asking, deliveries, frame_bytes, cpu }: FanOut) => ({
  last_served_ms: summary(last),
  last_served_ms_from_asking: summary(last_from_asking),
  deliveries_per_second: summary(deliveries),
  kb_per_idle_watcher: memory,
  frame_bytes,
  cpu_us_per_delivery: { server: round(cpu.server), client: round(cpu.client) },
});

async function gather({ watchers, target, greeting }: FanOutSide, count: number): Promise<void> {
  const { path, ...rest } = target;
  await watchers.count({ ...rest, paths: Array.from({ length: count }, () => path) }, greeting);
}

async function oneChange(side: FanOutSide, count: number) {
  await side.watchers.expect(count);
  const changing = side.change(count);
  const [times, served] = await Promise.all([changing, side.watchers.served(LIMIT_MS)]);
  return { ...times, ...served };
}

async function burst(side: FanOutSide, found: FanOut): Promise<void> {
  const pids = { server: side.pid, watchers: side.watchers.pid };
  const before = await cpuSeconds(pids);
  const { committed, last } = await oneChange(side, BURST);
  const after = await cpuSeconds(pids);
  found.deliveries.push((WATCHERS * BURST) / ((last - committed) / 1_000));
  const each = (name: string): number => {
    return (((after[name] ?? 0) - (before[name] ?? 0)) * 1e6) / (WATCHERS * BURST * BURSTS);
  };
  found.cpu.server += each("server");
  found.cpu.client += each("watchers");
}

function tellOf(room: BenchRoom, name: string, { last, deliveries, memory, cpu }: FanOut): void {
  const speed = Math.round(median(deliveries)).toLocaleString("en");
  room.tell(
    `${name.padEnd(10)} last served after ${median(last).toFixed(1)} ms, ${speed} deliveries/s, ${memory} KB per watcher, ` +
      `CPU per delivery ${cpu.server.toFixed(1)} µs, of the client ${cpu.client.toFixed(1)} µs`,
  );
}

/** One after the other, so that two never work at the same time. */
async function eachInTurn<T>(
  sides: readonly FanOutSide[],
  work: (side: FanOutSide, at: number) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = [];
  for (const [at, side] of sides.entries()) {
    answers.push(await work(side, at));
    await pause(100);
  }
  return answers;
}

async function pause(ms: number): Promise<void> {
  await new Promise((next) => setTimeout(next, ms));
}

/** For sides whose changes are committed: `write` commits one, `wake` says so. */
export async function writeThenWake(
  count: number,
  change: { write: () => Promise<void>; wake: () => Promise<void> },
): Promise<ChangeTimes> {
  const asked = monotonicMs();
  let committed = 0;
  for (let at = 0; at < count; at += 1) {
    await change.write();
    if (at === 0) committed = monotonicMs();
    await change.wake();
  }
  return { asked, committed };
}
