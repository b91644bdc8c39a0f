import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPlatenClient, type PlatenClient, type WatchOptions } from "../../src/client/client.ts";
import { startStreamProxy, type StreamProxy } from "../support/stream-proxy.ts";
import { createClientRoom, gather, logged, type ClientRoom, type PlayedJob, type Watching } from "./client-room.ts";

let room: ClientRoom;
let proxy: StreamProxy;
let client: PlatenClient;
const QUICK: WatchOptions = { pollMs: 300, firstFrameMs: 900, longestRetryMs: 600 };

beforeAll(async () => {
  room = await createClientRoom();
});
beforeEach(async () => {
  proxy?.close();
  proxy = await startStreamProxy(() => room.url);
  client = createPlatenClient({ url: proxy.url, apiKey: room.key });
});
afterAll(async () => {
  proxy?.close();
  await room?.close();
});

async function uploading(): Promise<PlayedJob> {
  const job = await room.job();
  await job.enter("upload");
  return job;
}

const polling = (watching: Watching): Promise<unknown> =>
  watching.sees("polls", (event) => event.type === "connection" && event.state === "polling");

describe.each([
  ["answers streams with 502", { status: 502, body: "<html>Bad gateway</html>" }, { code: "not_platen", status: 502 }],
  [
    "answers streams with a page",
    { status: 200, headers: { "content-type": "text/html" }, body: "<html>Hello</html>" },
    { code: "not_platen", status: 200 },
  ],
  ["keeps streams back for ever", "buffer", { code: "timed_out", status: 0 }],
] as const)("behind a proxy that %s", (_, treatment, cause) => {
  it("a job is polled: each log entry and the end are told once", async () => {
    const job = await uploading();
    proxy.treat(treatment);
    const watching = gather(client.watchJob(job.id, QUICK));
    expect(await polling(watching)).toMatchObject({ cause });
    for (const message of ["One", "Two", "Three"]) {
      await job.log(message);
      await watching.sees(message, logged(message));
    }
    await job.end("failed");
    await watching.ended;
    expect(watching.logs()).toEqual(["Begins upload", "One", "Two", "Three", "It is failed"]);
    expect(watching.updates().every(({ snapshot, reset }) => snapshot && !reset)).toBe(true);
    // Quiet polls tell nothing.
    expect(watching.updates()).toHaveLength(5);
    expect(watching.finals()).toMatchObject([{ event: "job-failed", job: { error: "It is failed" } }]);
    expect(watching.states().filter((state) => state === "polling")).toHaveLength(1);
  });

  it("streams are tried on, and followed again when they get through", async () => {
    const job = await uploading();
    const watching = gather(client.watchJob(job.id, QUICK));
    await watching.sees("the snapshot", logged("Begins upload"));
    await job.log("By the first stream");
    await watching.sees("it", logged("By the first stream"));
    proxy.treat(treatment);
    proxy.cut();
    await job.log("By a poll");
    await polling(watching);
    await watching.sees("it", logged("By a poll"));
    const before = watching.events.length;
    proxy.treat("pass");
    await watching.sees("a stream", (event) => watching.events.indexOf(event) >= before && isStreaming(event));
    const polls = proxy.polls();
    await job.log("By the second stream");
    await watching.sees("it", logged("By the second stream"));
    await job.end("completed");
    await watching.ended;
    expect(proxy.polls()).toBe(polls);
    expect(watching.logs()).toEqual([
      ...["Begins upload", "By the first stream", "By a poll", "By the second stream", "It is completed"],
    ]);
    // What a poll has told is not replayed: ids go on behind it.
    expect(watching.ids()).toEqual([4, 6, 7, 8]);
    expect(watching.finals()).toHaveLength(1);
  });
});

const isStreaming = (event: { type: string; state?: unknown }): boolean => event.state === "streaming";

it("a cursor of an earlier watch that only polls can answer begins anew, and says so", async () => {
  const job = await uploading();
  proxy.treat({ status: 502 });
  const watching = gather(client.watchJob(job.id, { ...QUICK, lastEventId: "2" }));
  await polling(watching);
  await job.end("completed");
  await watching.ended;
  expect(watching.updates()).toMatchObject([
    { snapshot: true, reset: true, logs: [{ message: "Begins upload" }] },
    { snapshot: true, reset: false, logs: [{ message: "It is completed" }] },
  ]);
});

it("a server that has no room for another stream is polled at once, and asked for a stream when it said", async () => {
  const job = await uploading();
  const body = `retry: 1500\n\nevent: error\ndata: {"code":"too_many_streams","message":"There are too many."}\n\n`;
  proxy.treat({ status: 200, headers: { "content-type": "text/event-stream" }, body });
  const watching = gather(client.watchJob(job.id, QUICK));
  await watching.sees("the state", logged("Begins upload"));
  expect(watching.events[0]).toMatchObject({ state: "lost", cause: { code: "too_many_streams" } });
  expect(watching.events[0]).toHaveProperty(
    "retryInMs",
    expect.toSatisfy((ms: number) => ms >= 1_500),
  );
  expect(proxy.cursors()).toHaveLength(1);
  proxy.treat("pass");
  await watching.sees("a stream", isStreaming);
  await job.end("completed");
  await watching.ended;
  expect(watching.finals()).toHaveLength(1);
});

it("a server whose streams hold nothing but `retry: 0` is asked for them twice a second at most", async () => {
  proxy.treat({ status: 200, headers: { "content-type": "text/event-stream" }, body: "retry: 0\n\n" });
  const job = await uploading();
  const watching = gather(client.watchJob(job.id, QUICK));
  const lost = await watching.sees("the loss", (event) => event.type === "connection" && event.state === "lost");
  expect(lost).toHaveProperty(
    "retryInMs",
    expect.toSatisfy((ms: number) => ms >= 500),
  );
  proxy.treat("pass");
  await job.end("cancelled");
  await watching.ended;
});

it("a frame that is too long for the client ends the watch, and is not asked for again", async () => {
  const body = `data: ${"x".repeat(64 * 1024 * 1024)}`;
  proxy.treat({ status: 200, headers: { "content-type": "text/event-stream" }, body });
  const job = await uploading();
  const watching = gather(client.watchJob(job.id, { firstFrameMs: 20_000, pollMs: 20_000 }));
  await expect(watching.ended).rejects.toMatchObject({
    ...{ code: "frame_too_long", message: expect.stringContaining("more than 64 million characters") },
  });
  expect(proxy.cursors()).toHaveLength(1);
}, 30_000);

it("a server that is no gateway is told as such, and asked on", async () => {
  proxy.treat({ status: 200, headers: { "content-type": "text/html" }, body: "<html>Hello</html>", everything: true });
  const job = await uploading();
  const watching = gather(client.watchJob(job.id, QUICK));
  const lost = await watching.sees(
    "a poll",
    (event) => event.type === "connection" && "by" in event && event.by === "poll",
  );
  expect(lost).toMatchObject({ cause: { code: "not_platen", message: expect.stringContaining("has no `logs`") } });
  proxy.treat("pass");
  await job.end("cancelled");
  await watching.ended;
  expect(watching.finals()).toHaveLength(1);
});
