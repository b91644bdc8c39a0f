import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { writeEnding } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { inParallel } from "../../src/storage/in-parallel.ts";
import type { SeenFrame } from "../support/frames.ts";
import { createDraft, queueJob, until } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { openEventStream, type EventStream } from "./event-stream.ts";
import { firstAttempt, startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";

let room: GatewayRoom;
/** A job that has ended. Its ledger: queued, running, the step, the last words, the final event. */
let job: string;
const SEQ = 5;
/** How many sockets are cut at a time. */
const AT_A_TIME = 16;

beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
  job = await queueJob(room, await createDraft(room));
  await enterStep(room.deps, firstAttempt(job), { step: "validate", message: "Begins — validating" });
  await transaction(room.database, async (tx) => {
    const row = await lockJob(tx, job);
    await writeEnding(tx, row!, { status: "failed", code: "internal", message: "Es ist vorbei – schade" });
  });
});
afterAll(() => room?.close());

const isFinalFrame = ({ event }: SeenFrame): boolean => event.startsWith("job-");

async function answer(cursor: string | null, cutAt?: number): Promise<EventStream> {
  const cut = cutAt === undefined ? {} : { cutAt };
  const stream = openEventStream({ url: room.url, key: room.keys.viewer, path: `/jobs/${job}/stream`, cursor, ...cut });
  await stream.ended;
  return stream;
}

/** Comes back as an EventSource does, with the id of the last event it was told of, until it is told to stay away. */
async function allFrames(cursor: string | null, cutAt: number): Promise<SeenFrame[]> {
  const frames: SeenFrame[] = [];
  for (let cut: number | undefined = cutAt; ; cut = undefined) {
    const stream = await answer(frames.findLast(({ id }) => id !== undefined)?.id ?? cursor, cut);
    if (stream.status() === 204) return frames;
    expect(stream.status()).toBe(200);
    frames.push(...stream.frames);
  }
}

describe("a socket that is cut in the last two frames", { timeout: 120_000 }, () => {
  it.each([
    ["of a stream that resumes", String(SEQ - 2)],
    ["of a stream that begins", null],
  ])("%s, at whatever byte, yields exactly one final event", async (_, cursor) => {
    const whole = await answer(cursor);
    expect(whole.frames.slice(-2).map(({ event, id }) => [event, id])).toEqual([
      ["job_update", undefined],
      ["job-failed", String(SEQ)],
    ]);
    const two = cursor === null ? whole : await answer(String(SEQ - 1));
    expect(two.frames).toHaveLength(2);
    const before = whole.taken() - two.taken();
    const places = Array.from({ length: two.taken() }, (_, byte) => before + byte + 1);
    const wrong: string[] = [];
    await inParallel(places, { atATime: AT_A_TIME }, async (cutAt) => {
      const frames = await allFrames(cursor, cutAt);
      const ids = frames.flatMap(({ id }) => id ?? []);
      const expected = cursor === null ? [String(SEQ)] : [String(SEQ - 1), String(SEQ)];
      if (ids.join() !== expected.join() || frames.filter(isFinalFrame).length !== 1)
        wrong.push(`${cutAt}: ${ids.join()}`);
    });
    expect(wrong).toEqual([]);
  });

  it("yields an EventSource exactly one final event, and it stays away then", async () => {
    const { frames, taken } = await answer(String(SEQ - 1));
    expect(frames).toHaveLength(2);
    const total = taken();
    const places = Array.from({ length: 24 }, (_, index) => Math.round((index / 23) * total));
    const finals = await Promise.all(places.map((cutAt) => finalsOfEventSource(cutAt)));
    expect(finals).toEqual(places.map(() => [String(SEQ)]));
  });
});

/** Behind a proxy that cuts its first answer after so many bytes of the body. Answers the ids of the final events it was told. */
async function finalsOfEventSource(cutAt: number): Promise<string[]> {
  const proxy = await cuttingProxy(Number(new URL(room.url).port), cutAt);
  const source = new EventSource(`http://127.0.0.1:${proxy.port}/jobs/${job}/stream?last_event_id=${SEQ - 1}`, {
    fetch: (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${room.keys.viewer}` } }),
  });
  const finals: string[] = [];
  for (const name of ["job-failed", "job-complete", "job-cancelled"])
    source.addEventListener(name, (event) => finals.push(event.lastEventId));
  await until("it to be told 204", async () => source.readyState === EventSource.CLOSED);
  source.close();
  await proxy.close();
  return finals;
}

async function cuttingProxy(target: number, cutAt: number): Promise<{ port: number; close(): Promise<void> }> {
  let first = true;
  const proxy = createServer((client) => {
    const server = connect(target, "127.0.0.1");
    client.on("error", () => undefined).on("close", () => server.destroy());
    server.on("error", () => undefined).on("close", () => client.destroy());
    client.pipe(server);
    if (!first) return void server.pipe(client);
    first = false;
    let head = "";
    /** Of the body, with its chunk lengths. */
    let left = cutAt;
    server.on("data", (bytes: Buffer) => {
      const headEnd = head.includes("\r\n\r\n")
        ? 0
        : `${head}${bytes.toString("latin1")}`.indexOf("\r\n\r\n") + 4 - head.length;
      head += bytes.toString("latin1");
      const body = bytes.subarray(headEnd).subarray(0, left);
      left -= body.length;
      client.write(Buffer.concat([bytes.subarray(0, headEnd), body]), () => {
        if (left === 0) client.destroy();
      });
    });
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    port: (proxy.address() as AddressInfo).port,
    async close() {
      const closed = once(proxy, "close");
      proxy.close();
      await closed;
    },
  };
}
