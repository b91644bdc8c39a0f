import { getEventListeners } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createPlatenClient, PlatenError, type PlatenClient } from "../../src/client/client.ts";
import { until } from "../support/publishing.ts";
import { startStreamProxy, type StreamProxy } from "../support/stream-proxy.ts";
import { createClientRoom, gather, logged, type ClientRoom } from "./client-room.ts";

let room: ClientRoom;
let proxy: StreamProxy;
let client: PlatenClient;
const controllers: AbortController[] = [];

beforeAll(async () => {
  room = await createClientRoom();
  proxy = await startStreamProxy(() => room.url);
  client = createPlatenClient({ url: `${proxy.url}/`, apiKey: room.key });
});
afterEach(() => {
  proxy.treat("pass");
  for (const controller of controllers.splice(0)) controller.abort();
});
afterAll(async () => {
  proxy?.close();
  await room?.close();
});

function stopper(): AbortController {
  const controller = new AbortController();
  controllers.push(controller);
  return controller;
}

describe("a watch", () => {
  it("tells the present state, every event with its own log entries, and the end", async () => {
    const job = await room.job();
    const watching = gather(client.watchJob(job.id));
    await watching.sees("the snapshot", (event) => event.type === "update");
    await job.enter("upload");
    await job.log("One");
    await job.end("failed");
    await watching.ended;
    expect(watching.updates()[0]).toMatchObject({
      job: { id: job.id, status: "queued", progress: 0, generation: 1 },
      ...{ snapshot: true, reset: false, logs: [] },
    });
    expect(watching.ids()).toEqual([2, 3, 4, 5, 6]);
    expect(watching.logs()).toEqual(["Begins upload", "One", "It is failed"]);
    expect(watching.events.at(-1)).toMatchObject({
      ...{ type: "final", event: "job-failed", id: "6" },
      job: { status: "failed", error: "It is failed", error_code: "internal", result: null },
    });
    expect(watching.states()).toEqual(["streaming"]);
  });

  it("loses and repeats nothing when its connection is cut again and again", async () => {
    const job = await room.job();
    await job.enter("upload");
    const before = proxy.cursors().length;
    const watching = gather(client.watchJob(job.id));
    await watching.sees("the snapshot", logged("Begins upload"));
    for (const part of ["a", "b", "c"]) {
      await job.log(`${part}1`);
      await watching.sees(`${part}1`, logged(`${part}1`));
      proxy.cut();
      for (const n of [2, 3, 4]) await job.log(`${part}${n}`);
    }
    await job.end("completed");
    await watching.ended;
    expect(watching.ids()).toEqual(Array.from({ length: 14 }, (_, index) => index + 4));
    expect(watching.logs()).toEqual([
      "Begins upload",
      ...["a", "b", "c"].flatMap((part) => [1, 2, 3, 4].map((n) => `${part}${n}`)),
      "It is completed",
    ]);
    expect(watching.finals()).toHaveLength(1);
    // The snapshot has no place in the ledger; each event after it has.
    expect(proxy.cursors().slice(before)).toEqual([null, "4", "8", "12"]);
    expect(watching.events).toContainEqual(
      expect.objectContaining({ state: "lost", attempt: 1, cause: expect.any(PlatenError) }),
    );
  });

  it("tells a log entry once when it is cut before it has a cursor", async () => {
    const job = await room.job();
    await job.enter("upload");
    const watching = gather(client.watchJob(job.id));
    await watching.sees("the snapshot", logged("Begins upload"));
    await job.log("Told by the next snapshot");
    await watching.sees("it", logged("Told by the next snapshot"));
    const other = gather(client.watchJob(job.id));
    await other.sees("its snapshot", logged("Told by the next snapshot"));
    proxy.cut();
    await other.sees("the loss", (event) => event.type === "connection" && event.state === "lost");
    await job.log("Last");
    await Promise.all([watching.sees("Last", logged("Last")), other.sees("Last", logged("Last"))]);
    await job.end("cancelled");
    await Promise.all([watching.ended, other.ended]);
    const all = ["Begins upload", "Told by the next snapshot", "Last", "It is cancelled"];
    expect([watching.logs(), other.logs()]).toEqual([all, all]);
  });

  it("goes on when the gateway is started anew at its address", async () => {
    const job = await room.job();
    await job.enter("upload");
    const watching = gather(createPlatenClient({ url: room.url, apiKey: room.key }).watchJob(job.id));
    await job.log("Before");
    await watching.sees("Before", logged("Before"));
    await room.stop();
    await watching.sees("the loss", (event) => event.type === "connection" && event.state === "lost");
    await job.log("While it was away");
    await watching.sees(
      "a second attempt",
      (event) => event.type === "connection" && event.state === "lost" && event.attempt === 2,
    );
    await room.start();
    await watching.sees("the rest", logged("While it was away"));
    await job.end("completed");
    await watching.ended;
    expect(watching.logs()).toEqual(["Begins upload", "Before", "While it was away", "It is completed"]);
    expect(watching.finals()).toHaveLength(1);
    expect(watching.states()).not.toContain("polling");
  });

  it("goes on behind an event of an earlier watch, and tells the end also when nothing else is left", async () => {
    const job = await room.job();
    await job.enter("upload");
    await job.log("One");
    await job.end("completed");
    const watching = gather(client.watchJob(job.id, { lastEventId: "3" }));
    await watching.ended;
    expect(watching.ids()).toEqual([4, 5, 6]);
    const late = gather(client.watchJob(job.id, { lastEventId: "6" }));
    await late.ended;
    expect(late.events).toEqual([
      { type: "final", event: "job-complete", id: "6", job: expect.objectContaining({ status: "completed" }) },
    ]);
    expect(late.finals()[0]?.job).toEqual(watching.finals()[0]?.job);
  });

  it.each(["99", "-1", "höher\n"])("begins anew, and says so, behind the unknown event %j", async (lastEventId) => {
    const job = await room.job();
    await job.enter("upload");
    await job.end("completed");
    const watching = gather(client.watchJob(job.id, { lastEventId }));
    await watching.ended;
    expect(watching.updates()).toMatchObject([{ id: "4", snapshot: true, reset: true, logs: [{}, {}] }]);
    expect(watching.finals()).toHaveLength(1);
  });

  it("tells an old end as an update, and ends with the new one, when the job is started again", async () => {
    const job = await room.job();
    await job.enter("upload");
    await job.end("failed");
    await room.gateway().call("POST", `/jobs/${job.id}/retry`);
    const watching = gather(client.watchJob(job.id, { lastEventId: "1" }));
    await watching.sees("the next generation", (event) => event.type === "update" && event.job.generation === 2);
    await client.cancelJob(job.id, "enough");
    await watching.ended;
    expect(watching.updates().map((event) => event.job.status)).toContain("failed");
    expect(watching.finals()).toMatchObject([{ event: "job-cancelled", job: { generation: 2 } }]);
  });

  it("gives a stream up that is silent for too long", async () => {
    const job = await room.job();
    await job.enter("upload");
    const watching = gather(client.watchJob(job.id, { silentMs: 1_000, signal: stopper().signal }));
    await watching.sees("the snapshot", logged("Begins upload"));
    proxy.freeze();
    await job.log("Nobody passes it on");
    await watching.sees("it", logged("Nobody passes it on"));
    const lost = watching.events.find((event) => event.type === "connection" && event.state === "lost");
    expect(lost).toMatchObject({ cause: { code: "timed_out", message: expect.stringContaining("within 1 s") } });
  });

  it("waits for a consumer that takes its time, however long", async () => {
    const job = await room.job();
    await job.enter("upload");
    const events = client.watchJob(job.id, { silentMs: 200, signal: stopper().signal });
    for (let told = 0; told < 2; told++) await events.next();
    const connections = proxy.cursors().length;
    await new Promise((resolve) => setTimeout(resolve, 600));
    await job.log("Later");
    await expect(events.next()).resolves.toMatchObject({ value: { type: "update" } });
    expect(proxy.cursors()).toHaveLength(connections);
  });
});

describe("a server that is busy", () => {
  it.each([408, 429, 500, 503])("with %i is asked again, not before it wants to be", async (status) => {
    proxy.treat({ status, headers: { "retry-after": "2" }, everything: true });
    const job = await room.job();
    await job.end("cancelled");
    const watching = gather(client.watchJob(job.id));
    const lost = await watching.sees("the loss", (event) => event.type === "connection" && event.state === "lost");
    expect(lost).toMatchObject({ by: "stream", cause: { status, retryAfterMs: 2_000 } });
    expect((lost as { retryInMs: number }).retryInMs).toBeGreaterThanOrEqual(2_000);
    const asked = performance.now();
    proxy.treat("pass");
    await watching.ended;
    expect(performance.now() - asked).toBeGreaterThan(1_900);
    expect(watching.finals()).toHaveLength(1);
  });
});

describe("a refusal", () => {
  const failure = async (watch: AsyncIterable<unknown>): Promise<unknown> => {
    try {
      for await (const _ of watch);
    } catch (error) {
      return error;
    }
    return null;
  };

  it("ends the watch with the server's code, sentence and advice", async () => {
    expect(await failure(client.watchJob("job_1"))).toMatchObject({
      ...{ name: "PlatenError", code: "job_not_found", status: 404, message: "There is no job job_1." },
      action: expect.stringMatching(/\w/),
    });
    const stranger = createPlatenClient({ url: proxy.url, apiKey: "pk_admin_none" });
    expect(await failure(stranger.watchJob("job_1"))).toMatchObject({ code: "unauthenticated", status: 401 });
    expect(await failure(stranger.watchJob("job_1"))).toBeInstanceOf(PlatenError);
  });

  it("ends it also when it comes later", async () => {
    const job = await room.job();
    await job.enter("upload");
    const watching = gather(client.watchJob(job.id));
    await watching.sees("the snapshot", logged("Begins upload"));
    proxy.treat({ status: 403, everything: true });
    proxy.cut();
    await expect(watching.ended).rejects.toMatchObject({ code: "not_platen", status: 403 });
  });

  it("is told by every method", async () => {
    const viewer = createPlatenClient({ url: proxy.url, apiKey: room.gateway().keys.viewer });
    const job = await room.job();
    expect(await viewer.job(job.id)).toMatchObject({ id: job.id, status: "queued", logs: [] });
    await expect(viewer.cancelJob(job.id)).rejects.toMatchObject({ code: "forbidden", status: 403 });
    await expect(
      client.publish({ project: "atlantis", version: 1, environment: "dev", idempotencyKey: "a" }),
    ).rejects.toMatchObject({ code: "project_not_found" });
  });
});

describe("whoever leaves", () => {
  it("by `break` closes the connection", async () => {
    const job = await room.job();
    await until("no connection", async () => proxy.connections() === 0);
    for await (const event of client.watchJob(job.id)) if (event.type === "update") break;
    await until("no connection", async () => proxy.connections() === 0, 2_000);
  });

  it("by the signal ends the loop without an error, closes the connection, and leaves no listener", async () => {
    const job = await room.job();
    const controller = new AbortController();
    const watching = gather(client.watchJob(job.id, { signal: controller.signal }));
    await watching.sees("the snapshot", (event) => event.type === "update");
    controller.abort();
    await watching.ended;
    await until("no connection", async () => proxy.connections() === 0, 2_000);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    const again = gather(client.watchJob(job.id, { signal: controller.signal }));
    await again.ended;
    expect(again.events).toEqual([]);
  });

  it("by the signal does so while it waits for a server that is away", async () => {
    const controller = new AbortController();
    const away = createPlatenClient({ url: "http://127.0.0.1:9", apiKey: room.key });
    const watching = gather(away.watchJob("job_1", { signal: controller.signal }));
    await watching.sees(
      "a third attempt",
      (event) => event.type === "connection" && "attempt" in event && event.attempt > 2,
    );
    controller.abort();
    await watching.ended;
    expect(watching.events.every((event) => event.type === "connection")).toBe(true);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });
});
