/** Clients that come and go: what each of them took is given back. */
import { EventEmitter, once } from "node:events";
import { queryObjects, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { query } from "../../src/db.ts";
import { until } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type GatewayRoom, type RawAnswer } from "../gateway/gateway-room.ts";
import { range, runningJob, watch, writeLogs } from "./stream-room.ts";

const STREAMS = 2_000;
const WARM_UP = 500;
const AT_A_TIME = 100;
const MEGABYTE = 1_048_576;
/** A second is plenty; on a machine that does four other things at once it is not. What leaks stays for ever. */
const SOON_MS = 10_000;

let room: GatewayRoom;
let jobs: string[];
beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
  jobs = await Promise.all(range(1, 3).map(async () => (await runningJob(room)).id));
});
afterAll(() => room?.close());

/** What keeps a process alive, by kind. */
function activeResources(): { sockets: number; timers: number } {
  const all = process.getActiveResourcesInfo();
  const count = (kind: string): number => all.filter((each) => each === kind).length;
  return { sockets: count("TCPSocketWrap"), timers: count("Timeout") };
}

/** Sockets, requests, answers and whatever else has listeners and is still reachable; and the size of all that is. */
function heap(): { emitters: number; megabytes: number } {
  const emitters = queryObjects(EventEmitter, { format: "count" });
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return { emitters, megabytes: process.memoryUsage().heapUsed / MEGABYTE };
}

const UPGRADE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** The request is sent, and the gateway looks the key up. */
async function shakeHands(): Promise<RawAnswer> {
  const handshake = watch(room, "/ws/jobs", UPGRADE);
  await once(handshake.socket, "connect");
  return handshake;
}

const ABORTS: ((job: string) => Promise<void>)[] = [
  /** Before the first byte of the answer. */
  async (job) => {
    const { socket } = watch(room, `/jobs/${job}/stream`);
    await once(socket, "connect");
    socket.destroy();
  },
  /** After the state at the beginning, without a good-bye. */
  async (job) => {
    const stream = watch(room, `/jobs/${job}/stream`);
    await stream.holds('"snapshot":true');
    stream.socket.resetAndDestroy();
  },
  /** In the middle of what it missed. */
  async (job) => {
    const stream = watch(room, `/jobs/${job}/events?last_event_id=0`);
    await stream.holds("id: 2\n");
    stream.socket.destroy();
  },
  /** A WebSocket in its handshake, with a good-bye, */
  async () => {
    const { socket } = await shakeHands();
    socket.destroy();
  },
  /** and without one. */
  async () => {
    const { socket } = await shakeHands();
    socket.resetAndDestroy();
  },
  /** A WebSocket with a subscription, and another that may be on its way. */
  async (job) => {
    const headers = { Authorization: `Bearer ${room.keys.viewer}` };
    const ws = new WebSocket(`${room.url.replace("http", "ws")}/ws/jobs`, { headers });
    await once(ws, "open");
    const greeted = new Promise<void>((resolve) => {
      ws.on("message", (message: Buffer) => message.includes('"snapshot":true') && resolve());
    });
    ws.send(JSON.stringify({ type: "subscribe", job_id: job }));
    await greeted;
    ws.send(JSON.stringify({ type: "subscribe", job_id: jobs.find((each) => each !== job) }));
    ws.terminate();
  },
];

/** Opens and aborts them in waves, in all these ways, while all the jobs are written to; until none is there any more. */
async function openAndAbort(streams: number): Promise<void> {
  for (let wave = 0; wave < streams / AT_A_TIME; wave++) {
    const abort = (n: number) => ABORTS[(wave + n) % ABORTS.length]!(jobs[n % jobs.length]!);
    await Promise.all([flood(), ...range(1, AT_A_TIME).map(abort)]);
  }
  const none = { streams: 0, jobs: 0, watchers: 0, states: 0 };
  await expect.poll(() => room.watching(), { timeout: SOON_MS }).toEqual(none);
}

async function flood(): Promise<void> {
  for (const n of range(1, 20)) await writeLogs(room, jobs[n % jobs.length]!, [`Entry ${n}`]);
}

/** All connections of the pool are there: their sockets and timers can only become fewer. */
async function fillPool(): Promise<void> {
  await Promise.all(range(1, 20).map(() => query(room.database.em.fork(), "select pg_sleep(0.2)")));
}

it("two thousand streams and WebSockets that were opened and aborted leave no place, watcher, socket, timer or object", async () => {
  // What a process builds once, it builds now.
  await openAndAbort(WARM_UP);
  await fillPool();
  const before = { active: activeResources(), ...heap() };

  await openAndAbort(STREAMS);
  await until(
    "sockets and timers to be given back",
    async () => {
      const { sockets, timers } = activeResources();
      return sockets <= before.active.sockets && timers <= before.active.timers;
    },
    SOON_MS,
  );
  // Not even one in a hundred has left something. The gateway looks for closed ones four times a second.
  const kept = (): number => heap().emitters - before.emitters;
  await expect.poll(kept, { timeout: SOON_MS, interval: 300 }).toBeLessThan(STREAMS / 100);
  expect(heap().megabytes - before.megabytes).toBeLessThan(5);
}, 120_000);
