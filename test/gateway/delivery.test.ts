import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstAttempt, startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";
import { createDraft, queueJob, type Draft } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { query } from "../../src/db.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { switchRelease } from "../../src/jobs/protocol/switch.ts";
import { projectPointer } from "../../src/jobs/protocol/project.ts";
import { publicDescriptorKey, publicTileKey, releaseKey } from "../../src/storage/keys.ts";
import { headerBytes } from "../../src/releases/release-document.ts";

const SET = "ab".repeat(32);
const OTHER_SET = "cd".repeat(32);
const RELEASE = "rel_20261123050000_0123abcd";
const PUBLISHED_AT = "2026-11-23T05:00:00.000Z";

let room: GatewayRoom;
let draft: Draft;
let job: string;

beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
  draft = await createDraft(room);
  job = await queueJob(room, draft);
  const { public: store } = room.stores;
  const header = { release_id: RELEASE, project: draft.project, version: 1, published_at: PUBLISHED_AT, digest: SET };
  await store.put(
    releaseKey(draft.project, RELEASE),
    Buffer.concat([headerBytes(header), Buffer.from('"config":{}}')]),
  );
  await store.put(releaseKey(draft.project, "rel_20261123050000_unreleased"), Buffer.from("{}"));
  for (const set of [SET, OTHER_SET]) {
    await store.put(publicDescriptorKey(draft.project, set), Buffer.from("<Image/>"));
    await store.put(publicTileKey(draft.project, set, "10/0_0.png"), Readable.from([Buffer.from("a tile")]));
  }
});
afterAll(() => room?.close());

const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> =>
  room.call(method, path, { key: "", headers });

async function release(): Promise<void> {
  const outcome = await enterStep(room.deps, firstAttempt(job), { step: "mark_published", message: "Switching" });
  if (outcome.kind !== "entered") throw new Error(outcome.kind);
  const made = { release_id: RELEASE, published_at: PUBLISHED_AT, revision: 1, digest: SET, tile_set_digest: SET };
  const { epoch } = await switchRelease(room.deps, outcome.grip, {
    ...made,
    bytes: 10,
    overlay_count: 2,
    tile_count: 1,
  });
  await projectPointer(room.deps, { project_id: draft.project_id, project: draft.project, environment: "dev", epoch });
}

describe("delivery", () => {
  it("serves nothing before it is released", async () => {
    const { project } = draft;
    for (const path of [
      `/dev/${project}/release.json`,
      `/${project}/releases/${RELEASE}/release.json`,
      `/${project}/tiles/${SET}/tiles.dzi`,
    ]) {
      const { status, body, headers } = await get(path);
      expect([path, status, body.code, headers.get("Cache-Control")]).toEqual([
        path,
        404,
        "release_not_found",
        "no-store",
      ]);
      expect(body.action).toContain("/projects/<slug>/releases");
    }
  });

  it("serves the pointer to everyone, to be asked for again each time", async () => {
    await release();
    const path = `/dev/${draft.project}/release.json`;
    const { status, headers, body } = await get(path);
    expect([status, body.release_id, body.live]).toEqual([
      200,
      RELEASE,
      { environment: "dev", epoch: 1, nonce: expect.any(String) },
    ]);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-cache",
      "access-control-allow-origin": "*",
      "x-content-type-options": "nosniff",
      etag: `"1-${body.live.nonce}"`,
    });
    const again = await get(path, { "If-None-Match": headers.get("ETag")! });
    expect([again.status, again.body, again.headers.get("ETag")]).toEqual([304, "", headers.get("ETag")]);
    const head = await get(path, {}, "HEAD");
    expect([head.status, head.body, head.headers.get("Content-Length")]).toEqual([
      200,
      "",
      headers.get("Content-Length"),
    ]);
    expect((await get(`/staging/${draft.project}/release.json`)).status).toBe(404);
  });

  it("serves releases and tiles for ever, with the type of their bytes", async () => {
    const { project } = draft;
    for (const [path, type, text] of [
      [`/${project}/releases/${RELEASE}/release.json`, "application/json", RELEASE],
      [`/${project}/tiles/${SET}/tiles.dzi`, "application/xml", "<Image/>"],
      [`/${project}/tiles/${SET}/tiles_files/10/0_0.png`, "image/png", "a tile"],
    ] as const) {
      const { status, headers, body } = await get(path);
      expect([
        status,
        headers.get("Content-Type"),
        headers.get("Cache-Control"),
        headers.get("X-Content-Type-Options"),
      ]).toEqual([...[200, type, "public, max-age=31536000, immutable", "nosniff"]]);
      expect(JSON.stringify(body)).toContain(text);
      expect((await get(path, { "If-None-Match": headers.get("ETag")! })).status).toBe(304);
      const head = await get(path, {}, "HEAD");
      expect([head.status, head.headers.get("Content-Length")]).toEqual([200, headers.get("Content-Length")]);
    }
  });

  it.each([
    ["bytes=0-1", 206, "a ", "bytes 0-1/6"],
    ["bytes=2-", 206, "tile", "bytes 2-5/6"],
    ["bytes=-3", 206, "ile", "bytes 3-5/6"],
    ["bytes=-100", 206, "a tile", "bytes 0-5/6"],
    ["bytes=4-100", 206, "le", "bytes 4-5/6"],
    ["bytes=6-", 416, null, "bytes */6"],
    ["bytes=-0", 416, null, "bytes */6"],
    ["bytes=3-2", 200, "a tile", null],
    ["bytes=0-1,3-4", 200, "a tile", null],
    ["pages=1-2", 200, "a tile", null],
    ["bytes=-", 200, "a tile", null],
  ])("answers Range: %s with %i", async (range, status, text, contentRange) => {
    const path = `/${draft.project}/tiles/${SET}/tiles_files/10/0_0.png`;
    const answer = await get(path, { Range: range });
    expect([answer.status, answer.headers.get("Content-Range")]).toEqual([status, contentRange]);
    if (text === null) expect(answer.body).toMatchObject({ code: "range_not_satisfiable", facts: { size: 6 } });
    else expect([answer.body, answer.headers.get("Content-Length")]).toEqual([text, String(text.length)]);
  });

  it("answers a Range with all of it when the client has part of something else", async () => {
    const path = `/${draft.project}/tiles/${SET}/tiles.dzi`;
    const whole = await get(path);
    const etag = whole.headers.get("ETag")!;
    expect(whole.headers.get("Accept-Ranges")).toBe("bytes");
    const headers = { Range: "bytes=0-0" };
    expect((await get(path, { ...headers, "If-Range": etag })).status).toBe(206);
    expect((await get(path, { ...headers, "If-Range": `W/${etag}` })).status).toBe(200);
    expect((await get(path, { ...headers, "If-Range": '"other"' })).body).toEqual(whole.body);
    expect((await get(path, { ...headers, "If-None-Match": etag })).status).toBe(304);
    // Range is for GET only.
    const head = await get(path, headers, "HEAD");
    expect([head.status, head.headers.get("Content-Length")]).toEqual([200, whole.headers.get("Content-Length")]);
  });

  it("serves viewers that add a field to the query so that no cache answers", async () => {
    expect((await get(`/dev/${draft.project}/release.json?t=123`)).status).toBe(200);
  });

  it("keeps what lies in the store and is not released to itself", async () => {
    const { project } = draft;
    for (const path of [
      `/${project}/releases/rel_20261123050000_unreleased/release.json`,
      `/${project}/tiles/${OTHER_SET}/tiles.dzi`,
      `/${project}/tiles/${OTHER_SET}/tiles_files/10/0_0.png`,
      `/${project}/tiles/${SET}/tiles_files/10/1_1.png`,
    ]) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
  });

  it.each([
    "/dev/..%2f..%2fetc/release.json",
    "/dev/%2e%2e/release.json",
    "/dev/x%5cy/release.json",
    "/dev/x%00/release.json",
    "/dev/%ff/release.json",
    "/dev/.writing/release.json",
    "/PROJECT/tiles/SET/tiles_files/10/..%2f..%2ftiles.dzi",
    "/PROJECT/tiles/SET/tiles_files/10/0_0.svg",
    "/PROJECT/tiles/SET/tiles_files/%2e%2e/0_0.png",
    "/PROJECT/releases/%2e%2e/release.json",
    "/private/harbour/release.json",
  ])("answers %s with 404", async (path) => {
    expect((await get(path.replace("PROJECT", draft.project).replace("SET", SET))).status).toBe(404);
  });

  it("tells browsers of other origins what they may ask", async () => {
    const { status, headers } = await get(
      `/dev/${draft.project}/release.json`,
      { Origin: "https://viewer.example" },
      "OPTIONS",
    );
    expect([status, headers.get("Access-Control-Allow-Origin"), headers.get("Access-Control-Allow-Methods")]).toEqual([
      204,
      "*",
      "GET, HEAD",
    ]);
    expect(headers.get("Access-Control-Allow-Headers")).toBe("Range, If-Range, If-None-Match");
    expect(
      (await room.call("GET", "/jobs", { headers: { Origin: "https://viewer.example" } })).headers.get(
        "Access-Control-Allow-Origin",
      ),
    ).toBeNull();
  });
});

describe("releases of a project", () => {
  it("are listed with where they are and were live", async () => {
    const { status, body } = await room.call("GET", `/projects/${draft.project}/releases`, { key: room.keys.viewer });
    expect(status).toBe(200);
    expect(body.releases).toMatchObject([
      {
        release_id: RELEASE,
        version: 1,
        digest: SET,
        overlay_count: 2,
        published_at: PUBLISHED_AT,
        live_in: ["dev"],
        url: `http://platen.test/${draft.project}/releases/${RELEASE}/release.json`,
      },
    ]);
    expect(body.live).toMatchObject([
      { environment: "dev", epoch: 1, job_id: job, url: `http://platen.test/dev/${draft.project}/release.json` },
    ]);
    expect(body.history).toMatchObject([
      { environment: "dev", epoch: 1, release_id: RELEASE, version: 1, job_id: job },
    ]);
  });

  it("a version is not published where it is live already; elsewhere it is", async () => {
    await query(room.database.em.fork(), "delete from publish_guards where job_id = $1", [job]);
    const path = `/projects/${draft.project}/versions/1/publish`;
    const again = await room.call("POST", path, { body: { target_environment: "dev" } });
    expect([again.status, again.body.code]).toEqual([409, "already_live"]);
    expect((await room.call("POST", path, { body: { target_environment: "staging" } })).status).toBe(202);
    expect((await room.call("POST", `/jobs/${job}/cancel`, { body: {} })).body.code).toBe("past_the_switch");
  });
});
