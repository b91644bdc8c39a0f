/** A client that opens a stream and does not read it, while its job writes megabytes. */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { framesOf } from "../support/frames.ts";
import { until } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type GatewayRoom, type RawAnswer } from "../gateway/gateway-room.ts";
import { observeServerSockets, type ServerSockets } from "./server-sockets.ts";
import { endJob, idsOf, range, runningJob, watch, writeLogs, writePercent } from "./stream-room.ts";
import { createWatcher } from "./watcher.ts";

const MEGABYTE = 1_048_576;
/** Three times what the kernel takes off the gateway's hands for a client that reads nothing. */
const ROUNDS = 60;
const ENTRIES = 50;
const ENTRY_BYTES = 4_000;
const LAST_ENTRY = 3 + ROUNDS * ENTRIES;

let room: GatewayRoom;
let sockets: ServerSockets;
beforeAll(async () => {
  sockets = observeServerSockets();
  room = await startGatewayRoom({ executions: scriptedExecutions() });
});
afterAll(async () => {
  await room?.close();
  sockets?.close();
});

const entries = (round: number): string[] =>
  range(1, ENTRIES).map((n) => `Round ${round}, entry ${n} `.padEnd(ENTRY_BYTES, "."));

async function openUnread(path: string): Promise<RawAnswer> {
  const stream = watch(room, path);
  stream.socket.pause();
  await once(stream.socket, "connect");
  return stream;
}

describe("a watcher that does not read", () => {
  it("costs the gateway a megabyte at most, others nothing, and has lost nothing when it reads again", async () => {
    const { id, grip } = await runningJob(room);
    // With a cursor it begins at event 4, whenever it is greeted.
    const slow = await openUnread(`/jobs/${id}/stream?last_event_id=3`);
    await until("the slow one to watch", async () => room.watching().watchers === 1);
    const server = sockets.of(slow.socket);
    const others = range(1, 3).map(() => createWatcher(`${room.url}/jobs/${id}/stream`, room.keys.viewer));
    await until("the others to be greeted", async () => others.every((watcher) => watcher.frames() > 0));

    let held = 0;
    for (const round of range(1, ROUNDS)) {
      await writeLogs(room, id, entries(round));
      await writePercent(room, grip, round, `Round ${round}`);
      const last = 3 + round * ENTRIES;
      await until(`event ${last} to reach the others`, async () => {
        held = Math.max(held, server.writableLength);
        return others.every(({ seen }) => seen.at(-1) === last);
      });
    }
    for (const { seen } of others) expect(seen).toEqual(range(4, LAST_ENTRY));
    // It is stuck far behind, or this has shown nothing.
    expect(server.bytesWritten).toBeLessThan((ROUNDS * ENTRIES * ENTRY_BYTES) / 2);
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(MEGABYTE);

    slow.socket.resume();
    // Not `holds`, which looks through all of it for each part that comes.
    await until("the newest state", async () => slow.text().slice(-2_000).includes(`"message":"Round ${ROUNDS}"`));
    await endJob(room, id);
    const frames = framesOf(await slow.ended());
    expect(idsOf(frames)).toEqual(range(4, LAST_ENTRY + 2));
    const progress = frames.filter((frame) => frame.id === undefined && !frame.data.snapshot);
    // By round: one may be told twice, with its entries and then with its percent.
    expect(new Set(progress.map(({ data }) => data.message)).size).toBeLessThan(ROUNDS / 2);
    for (const watcher of others) {
      await watcher.completed;
      watcher.close();
    }
  }, 60_000);

  it.each(["running", "ended"] as const)(
    "and is sent more than a megabyte at once, of a job that is %s, is cut off after five seconds, and may come back",
    async (kind) => {
      const { id } = await runningJob(room);
      for (const round of range(1, ROUNDS)) await writeLogs(room, id, entries(round));
      if (kind === "ended") await endJob(room, id);
      // All entries are in its first frame.
      const stuck = await openUnread(`/jobs/${id}/stream`);
      const server = sockets.of(stuck.socket);
      await until("more than it takes", async () => server.writableNeedDrain);
      const since = performance.now();
      await until("the connection to be closed", async () => server.destroyed, 10_000);
      const took = performance.now() - since;
      expect(took).toBeGreaterThan(4_000);
      expect(took).toBeLessThan(6_000);
      await until("nobody to watch", async () => room.watching().watchers === 0);
      stuck.socket.destroy();
      if (kind === "running") await endJob(room, id);
      const back = watch(room, `/jobs/${id}/stream`, [`Last-Event-ID: ${LAST_ENTRY - 10}`]);
      expect(idsOf(framesOf(await back.ended()))).toEqual(range(LAST_ENTRY - 9, LAST_ENTRY + 2));
    },
  );

  it("at once but in its own time gets all of a long snapshot, though that takes longer than a stuck one is given", async () => {
    const { id } = await runningJob(room);
    for (const round of range(1, 2 * ROUNDS)) await writeLogs(room, id, entries(round));
    await endJob(room, id);
    const slow = await openUnread(`/jobs/${id}/stream`);
    await until("more than it takes", async () => sockets.of(slow.socket).writableNeedDrain);
    const since = performance.now();
    // 64 KB at a time, some 2 MB a second.
    slow.socket.on("data", () => {
      slow.socket.pause();
      setTimeout(() => slow.socket.resume(), 25);
    });
    slow.socket.resume();
    await until("the end", async () => slow.text().endsWith("0\r\n\r\n"), 40_000);
    expect(performance.now() - since).toBeGreaterThan(6_000);
    const [snapshot, final] = framesOf(slow.text());
    expect(snapshot?.data.logs).toHaveLength(2 * ROUNDS * ENTRIES + 2);
    expect(final?.event).toBe("job-complete");
  }, 60_000);
});
