/** Whatever text gets into a job, by an activity or by a client, comes out of its streams as it went in, and breaks no frame. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { writeEnding } from "../../src/jobs/protocol/attempt.ts";
import { leaveStep, logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { createDraft, queueJob, until } from "../support/publishing.ts";
import { collection, feature } from "../support/geojson.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { runningJob, watch, writePercent } from "./stream-room.ts";
import { strictFrames } from "./strict-frames.ts";

let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

const TEXTS: Record<string, string> = {
  "a CR": "one\rtwo",
  "an LF": "one\ntwo",
  "a CRLF": "one\r\ntwo",
  "a frame's end": "one\n\ndata: evil\n\n",
  "a frame's end in CRs": "one\r\rdata: evil\r\r",
  "an id": "one\nid: 999\nretry: 1\nevent: job-complete\n\n",
  "a chunk's end": "one\r\n0\r\n\r\n",
  "a line separator": "one\u2028data: evil\u2028\u2028",
  "a paragraph separator": "one\u2029data: evil\u2029\u2029",
  "a next line": "one\u0085data: evil\u0085\u0085",
  "a byte order mark": "\ufeffdata: evil\ufeff",
  "control characters": "\u0001\u0008\u001b[31m\u007f\u009b",
  "other scripts": "قطعة 𝕏 👩‍👩‍👧 \u202eevil",
  "quotes and backslashes": '"}\\",\\u000aid: 1\\n',
};
const LONG = "data: evil\n\n".repeat(50_000);

describe.each([...Object.entries(TEXTS), ["very long text", LONG]])("%s", (_, text) => {
  it("in what an activity says is told as it is, on every path", async () => {
    const { id, grip } = await runningJob(room);
    const live = ["stream", "events"].map((name) => watch(room, `/jobs/${id}/${name}`));
    const states = watch(room, `/jobs/stream?ids=${id}`);
    await Promise.all([...live.map((stream) => stream.holds('"snapshot":true')), states.holds("event: synced")]);
    await writePercent(room, grip, 1, text);
    await logEntry(room.deps, grip, { level: "warn", message: text });
    await leaveStep(room.deps, grip, "upload", text);
    await transaction(room.database, async (tx) => {
      const errors = [{ code: "label_too_long", path: text, message: text }];
      await writeEnding(tx, (await lockJob(tx, id))!, { status: "failed", message: text, code: "internal", errors });
    });
    room.deps.notifier.touch(id);

    await until("the batch with its end", async () => /event: job-failed[^]*event: synced/.test(states.text()));
    states.socket.destroy();
    const told = strictFrames(states.text());
    expect(told.find(({ event }) => event === "job-failed")?.data).toMatchObject({ message: text, status: "failed" });
    const again = watch(room, `/jobs/${id}/stream`, ["Last-Event-ID: 3"]);
    for (const stream of [...live, again]) {
      const frames = strictFrames(await stream.ended());
      const logs = frames.slice(1).flatMap(({ data }) => (data.logs ?? []) as { message: string }[]);
      expect(logs.filter(({ message }) => message === text).length).toBeGreaterThanOrEqual(2);
      expect(frames.at(-1)).toMatchObject({
        event: "job-failed",
        data: { message: text, error: text, errors: [{ message: text, path: text }] },
      });
    }
  });

  it("in a client's reason for a cancel is told as it is", async () => {
    const reason = text.slice(0, 1_000);
    const id = await queueJob(room, await createDraft(room));
    const stream = watch(room, `/jobs/${id}/stream`);
    await stream.holds('"snapshot":true');
    const answer = await room.call("POST", `/jobs/${id}/cancel`, { body: { reason } });
    expect(answer.status).toBeLessThan(300);
    const frames = strictFrames(await stream.ended());
    expect(frames.at(-1)).toMatchObject({ event: "job-cancelled", data: { status: "cancelled" } });
    expect(frames.at(-1)?.data.message).toContain(reason);
  });

  it("in names and labels of a project is taken or refused, and harms no stream", async () => {
    const draft = await createDraft(room);
    const id = await queueJob(room, draft);
    const stream = watch(room, "/jobs/stream");
    await stream.holds("event: synced");
    const version = `/projects/${draft.project}/versions/1`;
    const plots = collection(feature("plot-1", undefined, { label: { en: text } }));
    const answers = [
      await room.call("POST", "/projects", { body: { slug: `of-${draft.project}`, name: text } }),
      await room.call("PUT", `${version}/config`, { body: { title: text } }),
      await room.call("PUT", `${version}/overlays`, { body: plots }),
    ];
    for (const { status } of answers) expect([200, 201, 400, 413, 422]).toContain(status);
    await room.call("POST", `/jobs/${id}/cancel`, { body: {} });
    await stream.holds("event: job-cancelled");
    stream.socket.destroy();
    strictFrames(stream.text());
  });
});

describe.each([
  ["NUL", '"one\\u0000two"'],
  ["a lone high surrogate", '"one\\ud800two"'],
  ["a lone low surrogate", '"one\\udc00two"'],
])("%s, which PostgreSQL does not take,", (_, json) => {
  it("is refused wherever a client can put in text", async () => {
    const { project } = await createDraft(room);
    const { body: job } = await room.call("POST", `/projects/${project}/versions/1/publish`, { body: {} });
    for (const [method, path, body] of [
      ["POST", `/jobs/${job.id}/cancel`, `{"reason":${json}}`],
      ["POST", "/projects", `{"slug":"of-${project}","name":${json}}`],
      ["PUT", `/projects/${project}/versions/1/config`, `{"title":${json}}`],
    ] as const) {
      const { status } = await room.call(method, path, { body });
      expect([path, status]).toEqual([path, 400]);
    }
  });
});
