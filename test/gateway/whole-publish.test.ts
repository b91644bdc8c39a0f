import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { framesOf } from "../support/frames.ts";
import { createDraft, until } from "../support/publishing.ts";
import { sendRaw, startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let worker: RunningWorker;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: "real" });
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
});

describe("a publish over HTTP", () => {
  it("can be watched to its end, and is what viewers get then", async () => {
    const draft = await createDraft(room);
    const { body: accepted } = await room.call("POST", `/projects/${draft.project}/versions/1/publish`, {
      body: { target_environment: "dev" },
    });
    const path = `/jobs/${accepted.job_id}/stream?last_event_id=0`;
    const stream = sendRaw(room.url, [`GET ${path} HTTP/1.1`, `Authorization: Bearer ${room.keys.viewer}`]);
    const frames = framesOf(await stream.ended());

    const events = frames.filter((frame) => frame.id !== undefined);
    expect(events.map((frame) => Number(frame.id))).toEqual(events.map((_, index) => index + 1));
    const percents = frames.map((frame) => frame.data.progress as number);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents).toEqual(expect.arrayContaining([0, 10, 30, 50, 80, 100]));
    const { event, data } = frames.at(-1)!;
    expect([event, data.status, data.steps.map((step: { status: string }) => step.status)]).toEqual([
      ...["job-complete", "completed"],
      Array(5).fill("done"),
    ]);

    const { body: job } = await room.call("GET", `/jobs/${accepted.id}`);
    expect(job).toMatchObject({ status: "completed", progress: 100, result: data.result, error: null });
    expect(job.result_url).toBe(`http://platen.test${data.result.release_url}`);
    const logged = frames.flatMap((frame) => frame.data.logs ?? []);
    expect(logged).toEqual(job.logs);

    const { body: live } = await room.call("GET", data.result.release_url, { key: "" });
    expect(live).toMatchObject({ release_id: data.result.release_id, live: { environment: "dev", epoch: 1 } });
    const tiles = `/${draft.project}/tiles/${tileSetOf(live)}`;
    expect((await room.call("GET", `${tiles}/tiles.dzi`, { key: "" })).status).toBe(200);
    const image = await fetch(`${room.url}${tiles}/tiles_files/0/0_0.png`);
    expect([image.status, image.headers.get("Content-Type"), (await image.bytes()).length]).toEqual([
      200,
      "image/png",
      300,
    ]);
  });

  it("can be followed by polling alone, which never goes back and ends with the result", async () => {
    const draft = await createDraft(room);
    const { body: accepted } = await room.call("POST", "/jobs", {
      body: { type: "publish", payload: { project: draft.project, version: 1, target_environment: "staging" } },
    });
    const seen: number[] = [];
    const ended = await until("the job to be completed", async () => {
      const { body: job } = await room.call("GET", `/jobs/${accepted.job_id}`);
      seen.push(job.progress);
      return job.status === "completed" && job;
    });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(ended).toMatchObject({ progress: 100, result: { release_url: `/staging/${draft.project}/release.json` } });
    expect(ended.logs.length).toBeGreaterThanOrEqual(5);
  });
});

/** The digest in the URL that the document gives its viewers. */
function tileSetOf(live: { tiles: Record<string, unknown> }): string {
  const found = /\/tiles\/([0-9a-f]{64})\//.exec(JSON.stringify(live.tiles));
  if (!found?.[1]) throw new Error(`no tile set in ${JSON.stringify(live.tiles)}`);
  return found[1];
}
