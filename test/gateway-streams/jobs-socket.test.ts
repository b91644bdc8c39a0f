import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { writeEnding, type Grip } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { createDraft, queueJob, until } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { firstAttempt, sendRaw, startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";

let room: GatewayRoom;
beforeAll(async () => {
  const settings = {
    ...{ PLATEN_MAX_SUBSCRIPTIONS: "3", PLATEN_MAX_STREAMS_PER_PRINCIPAL: "8", PLATEN_PING_SECONDS: "1" },
  };
  room = await startGatewayRoom({ executions: scriptedExecutions(), settings });
});
afterAll(() => room?.close());

// oxlint-disable-next-line typescript/no-explicit-any -- a test looks at what it expects
type Said = any;

async function connect(key = room.keys.viewer, path = "/ws/jobs") {
  const ws = new WebSocket(room.url.replace("http", "ws") + path, { headers: { Authorization: `Bearer ${key}` } });
  const said: Said[] = [];
  ws.on("message", (data: Buffer) => said.push(JSON.parse(data.toString())));
  await once(ws, "open");
  return {
    ws,
    said,
    tell: (message: unknown) => ws.send(typeof message === "string" ? message : JSON.stringify(message)),
    until: (what: string, match: (message: Said) => boolean) => until(what, async () => said.find(match)),
    async close() {
      ws.close();
      await once(ws, "close");
    },
  };
}

const newJob = async (): Promise<string> => queueJob(room, await createDraft(room));

async function enter(id: string): Promise<Grip> {
  const outcome = await enterStep(room.deps, firstAttempt(id), { step: "validate", message: "Begins" });
  if (outcome.kind !== "entered") throw new Error(outcome.kind);
  return outcome.grip;
}

async function complete(id: string): Promise<void> {
  await transaction(room.database, async (tx) => {
    await writeEnding(tx, (await lockJob(tx, id))!, { status: "completed", message: "Done" });
  });
  room.deps.notifier.touch(id);
}

describe("a WebSocket of jobs", () => {
  it("tells the events of each job it subscribes to, the same as the stream, until the final one", async () => {
    const [one, other] = [await newJob(), await newJob()];
    const socket = await connect(room.keys.viewer, "/api/ws/jobs");
    socket.tell({ type: "subscribe", job_id: one });
    socket.tell({ type: "subscribe", job_id: `job_${other.replaceAll("-", "")}` });
    await socket.until("both", ({ type, job_id }) => type === "event" && job_id === other);
    await enter(one);
    await complete(one);
    await socket.until("the end", ({ type }) => type === "unsubscribed");
    expect(
      socket.said
        .filter(({ job_id }) => job_id === one)
        .map(({ type, event, id, data, reason }) => [type, event ?? reason, id, data?.status]),
    ).toEqual([
      ["subscribed", undefined, undefined, undefined],
      ["event", "job_update", undefined, "queued"],
      ["event", "job_update", "2", "running"],
      ["event", "job_update", "3", "running"],
      ["event", "job_update", "4", "running"],
      ["event", "job_update", undefined, "completed"],
      ["event", "job-complete", "5", "completed"],
      ["unsubscribed", "ended", undefined, undefined],
    ]);
    expect(socket.said.find(({ event }) => event === "job_update").data.snapshot).toBe(true);
    await socket.close();
  });

  it("goes on from a cursor; who has seen the end is told so at once", async () => {
    const id = await newJob();
    const grip = await enter(id);
    for (const message of ["One", "Two"]) await logEntry(room.deps, grip, { level: "info", message });
    await complete(id);
    const socket = await connect();
    socket.tell({ type: "subscribe", job_id: id, last_event_id: "4" });
    await socket.until("the end", ({ type }) => type === "unsubscribed");
    expect(socket.said.flatMap((message) => message.id ?? [])).toEqual(["5", "6", "7"]);
    socket.said.length = 0;
    socket.tell({ type: "subscribe", job_id: id, last_event_id: "7" });
    await socket.until("the end", ({ type }) => type === "unsubscribed");
    expect(socket.said.map(({ type }) => type)).toEqual(["subscribed", "unsubscribed"]);
    await socket.close();
  });

  it("tells nothing more of a job it unsubscribes from", async () => {
    const id = await newJob();
    const socket = await connect();
    socket.tell({ type: "subscribe", job_id: id });
    await socket.until("the snapshot", ({ type }) => type === "event");
    socket.tell({ type: "unsubscribe", job_id: id });
    await socket.until("its end", ({ type, reason }) => type === "unsubscribed" && reason === "left");
    await enter(id);
    socket.tell({ type: "ping" });
    await socket.until("the pong", ({ type }) => type === "pong");
    expect(socket.said.filter(({ type }) => type === "event")).toHaveLength(1);
    expect(room.watching()).toMatchObject({ jobs: 0, watchers: 0 });
    await socket.close();
  });

  it("says what is wrong with a message, and goes on", async () => {
    const id = await newJob();
    const foreign = await connect(room.keys.foreign);
    foreign.tell({ type: "subscribe", job_id: id });
    await foreign.until("the refusal", ({ code, job_id }) => code === "job_not_found" && job_id === id);
    await foreign.close();

    const socket = await connect();
    const wrong: unknown[] = [
      "{",
      "[]",
      '"x"',
      { type: "nonsense" },
      { type: "subscribe" },
      { type: "subscribe", job_id: 7 },
    ];
    for (const message of wrong) socket.tell(message);
    await until("a refusal of each", async () => socket.said.length === wrong.length);
    expect(new Set(socket.said.map(({ type, code }) => `${type} ${code}`))).toEqual(new Set(["error invalid_request"]));
    socket.tell({ type: "unsubscribe", job_id: id });
    await socket.until("nothing to leave", ({ message }) => /no subscription/.test(message));
    socket.tell({ type: "subscribe", job_id: id });
    socket.tell({ type: "subscribe", job_id: id });
    await socket.until("twice", ({ message }) => /a subscription to it already/.test(message));
    for (let more = 0; more < 3; more += 1) socket.tell({ type: "subscribe", job_id: await newJob() });
    await socket.until("too many", ({ code }) => code === "too_many_streams");
    expect(socket.said.filter(({ type }) => type === "subscribed")).toHaveLength(3);
    await socket.close();
    await until("nothing is left", async () => room.watching().streams === 0);
  });

  it("is closed when it sends what is too long, or no text", async () => {
    for (const message of ["x".repeat(20_000), Buffer.from([1, 2, 3])]) {
      const socket = await connect();
      socket.ws.send(message);
      const [code] = (await once(socket.ws, "close")) as [number];
      expect([1_008, 1_009]).toContain(code);
    }
    await until("nothing is left", async () => room.watching().streams === 0);
  });

  it("is refused like any other request without a key, at other paths, and beyond the limit of its principal", async () => {
    const upgrade = (path: string, key: string): Promise<string> =>
      sendRaw(room.url, [
        `GET ${path} HTTP/1.1`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ...(key ? [`Authorization: Bearer ${key}`] : []),
      ]).ended();
    expect(await upgrade("/ws/jobs", "")).toMatch(/^HTTP\/1.1 401 [^]*"code":"unauthenticated"/);
    expect(await upgrade("/ws/other", room.keys.viewer)).toMatch(/^HTTP\/1.1 404 /);
    const sockets = await Promise.all(Array.from({ length: 8 }, () => connect()));
    expect(await upgrade("/ws/jobs", room.keys.viewer)).toMatch(/^HTTP\/1.1 429 [^]*"code":"too_many_streams"/);
    const id = await newJob();
    const asJson = await room.call("GET", `/jobs/${id}/stream`, {
      key: room.keys.viewer,
      headers: { Accept: "application/json" },
    });
    expect([asJson.status, asJson.body.code]).toEqual([429, "too_many_streams"]);
    const asStream = await room.call("GET", `/jobs/${id}/stream`, {
      key: room.keys.viewer,
      headers: { Accept: "text/event-stream" },
    });
    expect([asStream.status, asStream.body]).toEqual([
      200,
      expect.stringMatching(/^event: error\nretry: 30000\ndata: \{"code":"too_many_streams"/),
    ]);
    await Promise.all(sockets.map((socket) => socket.close()));
    expect((await room.call("GET", "/ws/jobs")).status).toBe(426);
  });

  it("is pinged, and cut off when it does not answer", async () => {
    const socket = await connect();
    await once(socket.ws, "ping");
    // What a host that vanished does not do.
    socket.ws.pong = () => undefined;
    (socket.ws as unknown as { _autoPong: boolean })._autoPong = false;
    await once(socket.ws, "close");
    await until("nothing is left", async () => room.watching().streams === 0);
  });
});
