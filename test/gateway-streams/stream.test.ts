import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query, transaction } from "../../src/db.ts";
import { writeEnding, type Grip } from "../../src/jobs/protocol/attempt.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { leaveStep, logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { framesOf } from "../support/frames.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { createDraft, queueJob, until } from "../support/publishing.ts";
import { firstAttempt, sendRaw, startGatewayRoom, type GatewayRoom, type RawAnswer } from "../gateway/gateway-room.ts";

let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

const watch = (path: string, headers: string[] = []): RawAnswer =>
  sendRaw(room.url, [`GET ${path} HTTP/1.1`, `Authorization: Bearer ${room.keys.viewer}`, ...headers]);

async function newJob(): Promise<string> {
  return queueJob(room, await createDraft(room));
}

async function enter(id: string, step: string): Promise<Grip> {
  const outcome = await enterStep(room.deps, firstAttempt(id), { step, message: `Begins ${step}` });
  if (outcome.kind !== "entered") throw new Error(`not entered: ${outcome.kind}`);
  return outcome.grip;
}

async function end(id: string, status: "completed" | "failed" | "cancelled"): Promise<void> {
  await transaction(room.database, async (tx) => {
    const row = await lockJob(tx, id);
    await writeEnding(tx, row!, {
      status,
      message: `It is ${status}`,
      ...(status === "failed" ? { code: "internal" } : {}),
    });
  });
  room.deps.notifier.touch(id);
}

describe("a stream", () => {
  it("is these bytes", async () => {
    const id = await newJob();
    await end(id, "cancelled");
    const raw = await watch(`/jobs/${id}/stream`).ended();
    const [head = "", ...rest] = raw.split("\r\n\r\n");
    expect(head.split("\r\n").filter((line) => !/^(Date|X-Request-Id):/i.test(line))).toEqual([
      "HTTP/1.1 200 OK",
      "X-Content-Type-Options: nosniff",
      "Content-Type: text/event-stream",
      "Cache-Control: no-cache, no-transform",
      "Connection: keep-alive",
      "X-Accel-Buffering: no",
      "Transfer-Encoding: chunked",
    ]);
    const { body: job } = await room.call("GET", `/jobs/${id}`);
    const state = JSON.stringify({
      ...{
        id,
        job_id: job.job_id,
        status: "cancelled",
        progress: 0,
        message: "It is cancelled",
        step: null,
        steps: [],
        generation: 1,
      },
    }).slice(0, -1);
    const frame = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
    expect(rest.join("\r\n\r\n")).toBe(
      [
        frame(`event: job_update\nretry: 2000\ndata: ${state},"logs":${JSON.stringify(job.logs)},"snapshot":true}\n\n`),
        frame(
          `id: 3\nevent: job-cancelled\nretry: 2000\ndata: ${state},"result":null,"error":"It is cancelled","error_code":null,"errors":null}\n\n`,
        ),
        "0\r\n\r\n",
      ].join(""),
    );
  });

  it("tells the state at once, every event with its own log entry only, and ends after the final one", async () => {
    const id = await newJob();
    const stream = watch(`/jobs/${id}/stream`);
    await stream.holds('"snapshot":true');
    const grip = await enter(id, "validate");
    await stream.holds("Begins validate");
    await logEntry(room.deps, grip, {
      level: "warn",
      message: "A thing with\nlines\r\nand \0 in it".replace("\0", ""),
    });
    await leaveStep(room.deps, grip, "validate", "Validated");
    await stream.holds('"progress":10');
    await end(id, "completed");
    const frames = framesOf(await stream.ended());
    expect(
      frames.map(({ id: seq, event, data }) => [
        seq,
        event,
        data.status,
        data.logs?.map((log: { message: string }) => log.message),
      ]),
    ).toEqual([
      [undefined, "job_update", "queued", []],
      ["2", "job_update", "running", []],
      ["3", "job_update", "running", ["Begins validate"]],
      ["4", "job_update", "running", ["A thing with\nlines\r\nand  in it"]],
      ["5", "job_update", "running", ["Validated"]],
      ["6", "job_update", "running", []],
      ["7", "job_update", "running", ["It is completed"]],
      [undefined, "job_update", "completed", []],
      ["8", "job-complete", "completed", undefined],
    ]);
    expect(frames.at(-1)?.data).toMatchObject({ progress: 100, message: "It is completed" });
  });

  it("ends with job-failed when the job fails, on both paths, in the words of each", async () => {
    const id = await newJob();
    const one = watch(`/jobs/${id}/stream`);
    const other = watch(`/jobs/${id}/events`);
    await Promise.all([one.holds("snapshot"), other.holds("snapshot")]);
    await enter(id, "validate");
    await end(id, "failed");
    const [first, second] = [framesOf(await one.ended()), framesOf(await other.ended())];
    expect(new Set(first.slice(0, -1).map((frame) => frame.event))).toEqual(new Set(["job_update"]));
    expect(new Set(second.slice(0, -1).map((frame) => frame.event))).toEqual(new Set(["status"]));
    expect(first.at(-1)).toEqual(second.at(-1));
    expect(first.at(-1)).toMatchObject({
      event: "job-failed",
      data: { status: "failed", error: "It is failed", error_code: "internal" },
    });
  });

  it("pings, and ends before its age so that the client comes back elsewhere", async () => {
    const settings = { PLATEN_PING_SECONDS: "1", PLATEN_STREAM_MAX_SECONDS: "2" };
    const aging = await startGatewayRoom({ executions: scriptedExecutions(), settings });
    try {
      const id = await queueJob(aging, await createDraft(aging));
      const stream = sendRaw(aging.url, [
        `GET /jobs/${id}/stream HTTP/1.1`,
        `Authorization: Bearer ${aging.keys.viewer}`,
      ]);
      const frames = framesOf(await stream.ended());
      expect(frames.map((frame) => frame.event)).toEqual(["job_update", "ping"]);
      expect(frames[1]).toEqual({ event: "ping", data: {} });
    } finally {
      await aging.close();
    }
  });

  it("answers HEAD with its headers only", async () => {
    const { status, headers, body } = await room.call("HEAD", `/jobs/${await newJob()}/stream`);
    expect([status, headers.get("Content-Type"), body]).toEqual([200, "text/event-stream", ""]);
  });
});

describe("a client that comes back", () => {
  async function finished(): Promise<string> {
    const id = await newJob();
    const grip = await enter(id, "validate");
    for (let n = 1; n <= 5; n++) await logEntry(room.deps, grip, { level: "info", message: `Entry ${n}` });
    await end(id, "completed");
    return id;
  }
  const idsOf = (raw: string): (string | undefined)[] => framesOf(raw).map((frame) => frame.id);

  it("gets every event after its cursor, once, in order", async () => {
    const id = await finished();
    for (const path of [`/jobs/${id}/stream?last_event_id=4`, `/jobs/${id}/stream`]) {
      const raw = await watch(path, path.includes("?") ? [] : ["Last-Event-ID: 4"]).ended();
      expect(idsOf(raw)).toEqual(["5", "6", "7", "8", "9", undefined, "10"]);
    }
    const both = await watch(`/jobs/${id}/stream?last_event_id=1`, ["Last-Event-ID: 8"]).ended();
    expect(idsOf(both)).toEqual(["9", undefined, "10"]);
  });

  it("is told not to come again once it has seen the end", async () => {
    const id = await finished();
    const { status, body } = await room.call("GET", `/jobs/${id}/stream`, { headers: { "Last-Event-ID": "10" } });
    expect([status, body]).toEqual([204, ""]);
  });

  it.each(["11", "-1", "x", "1e3", "99999999999999999999"])(
    "with the unknown cursor %s gets a fresh snapshot, marked as such",
    async (cursor) => {
      const id = await finished();
      const frames = framesOf(await watch(`/jobs/${id}/stream`, [`Last-Event-ID: ${cursor}`]).ended());
      expect(frames.map((frame) => frame.event)).toEqual(["job_update", "job-complete"]);
      expect(frames[0]?.data).toMatchObject({ snapshot: true, reset: true });
      expect(frames[0]?.data.logs).toHaveLength(7);
    },
  );

  it("after a retry goes on from the old end; the old final event is an update in its replay", async () => {
    const id = await newJob();
    await enter(id, "validate");
    await end(id, "failed");
    await room.call("POST", `/jobs/${id}/retry`);
    await room.call("POST", `/jobs/${id}/cancel`, { body: {} });
    const all = framesOf(await watch(`/jobs/${id}/stream?last_event_id=1`).ended());
    expect(all.map(({ id: seq, event, data }) => [seq, event, data.status, data.generation])).toEqual([
      ["2", "job_update", "running", 1],
      ["3", "job_update", "running", 1],
      ["4", "job_update", "running", 1],
      ["5", "job_update", "failed", 1],
      ["6", "job_update", "queued", 2],
      ["7", "job_update", "queued", 2],
      [undefined, "job_update", "cancelled", 2],
      ["8", "job-cancelled", "cancelled", 2],
    ]);
    expect(idsOf(await watch(`/jobs/${id}/stream?last_event_id=5`).ended())).toEqual(["6", "7", undefined, "8"]);
  });

  it("loses and repeats nothing while events are being written, however often it is cut off", async () => {
    const id = await newJob();
    const grip = await enter(id, "upload");
    const last = 3 + 150;
    const writing = (async () => {
      for (let n = 4; n <= last; n++) await logEntry(room.deps, grip, { level: "info", message: `Entry ${n}` });
    })();
    const seen: number[] = [];
    let cursor = 0;
    while (cursor < last) {
      const stream = watch(`/jobs/${id}/stream?last_event_id=${cursor}`);
      await stream.holds(`\nid: ${Math.min(cursor + 7, last)}\n`).catch(() => stream.holds(`id: ${cursor + 1}\n`));
      stream.socket.destroy();
      for (const frame of framesOf(stream.text())) if (frame.id) seen.push(Number(frame.id));
      cursor = seen.at(-1) ?? 0;
    }
    await writing;
    expect(seen).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  });
});

describe("an EventSource", () => {
  it("follows a job to its end, comes back by itself when it is cut off, and then stays away", async () => {
    const id = await newJob();
    const grip = await enter(id, "upload");
    const statuses: number[] = [];
    const source = new EventSource(`${room.url}/jobs/${id}/stream`, {
      async fetch(url, init) {
        const response = await fetch(url, {
          ...init,
          headers: { ...init.headers, Authorization: `Bearer ${room.keys.viewer}` },
        });
        statuses.push(response.status);
        return response;
      },
    });
    const seen: string[] = [];
    source.addEventListener("job_update", (event) => seen.push(event.lastEventId));
    const ended = new Promise<MessageEvent>((resolve) => source.addEventListener("job-complete", resolve));
    await until("the snapshot", async () => seen.length > 0);
    await logEntry(room.deps, grip, { level: "info", message: "One" });
    await end(id, "completed");
    expect(JSON.parse((await ended).data)).toMatchObject({ id, status: "completed" });
    expect(seen).toEqual(["", "4", "5", "5"]);
    // The body ended; it comes back once with its cursor and is told 204.
    await until("the second answer", async () => statuses.length > 1);
    await until("the end", async () => source.readyState === EventSource.CLOSED);
    expect(statuses).toEqual([200, 204]);
    source.close();
  });
});

describe("the feed", () => {
  it("gives all watchers the same bytes, and finds what no notification told of", async () => {
    const id = await newJob();
    const streams = Array.from({ length: 20 }, () => watch(`/jobs/${id}/stream`));
    await Promise.all(streams.map((stream) => stream.holds('"snapshot":true')));
    const grip = await enter(id, "validate");
    await Promise.all(streams.map((stream) => stream.holds("Begins validate")));
    const bodies = streams.map((stream) => stream.text().split("\r\n\r\n").slice(1).join("\r\n\r\n"));
    expect(new Set(bodies).size).toBe(1);

    // As if the writer had died before its NOTIFY.
    await query(
      room.database.em.fork(),
      "update jobs set message = 'Said by nobody', updated_at = now() where id = $1",
      [id],
    );
    await streams[0]!.holds("Said by nobody");
    await leaveStep(room.deps, grip, "validate", "Validated");
    for (const stream of streams) stream.socket.destroy();
  });

  it("listens again after its connection was cut", async () => {
    const id = await newJob();
    const stream = watch(`/jobs/${id}/stream`);
    await stream.holds('"snapshot":true');
    const listeners =
      "select pid from pg_stat_activity where datname = current_database() and application_name = 'platen-listen'";
    const pids = async (): Promise<number[]> =>
      (await query<{ pid: number }>(room.database.em.fork(), listeners)).map((row) => row.pid);
    const [before] = await until("a listener", async () => ((await pids()).length === 1 ? pids() : null));
    await query(room.database.em.fork(), "select pg_terminate_backend($1)", [before]);
    const grip = await enter(id, "validate");
    await stream.holds("Begins validate");
    await until("another listener", async () => (await pids()).some((pid) => pid !== before));
    await logEntry(room.deps, grip, { level: "info", message: "Heard again" });
    await stream.holds("Heard again");
    stream.socket.destroy();
  });

  it("ends the streams of a job that is deleted", async () => {
    const id = await newJob();
    const stream = watch(`/jobs/${id}/stream`);
    await stream.holds('"snapshot":true');
    const db = room.database.em.fork();
    for (const table of ["job_events", "publish_guards"])
      await query(db, `delete from ${table} where job_id = $1`, [id]);
    await query(db, "delete from jobs where id = $1", [id]);
    expect(framesOf(await stream.ended())).toHaveLength(1);
  });
});
