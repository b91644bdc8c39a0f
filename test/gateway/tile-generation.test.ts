/** From a picture over HTTP to tiles that viewers see: the source, the job, a publish. */
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { query } from "../../src/db.ts";
import { artifactKey } from "../../src/storage/keys.ts";
import { dziLevels, expectedTiles } from "../../src/tiles/dzi.ts";
import { picture } from "../support/pictures.ts";
import { createDraft, until, type Draft } from "../support/publishing.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

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

const sourceOf = ({ project }: Draft, version = 1): string => `/projects/${project}/versions/${version}/source`;
/** The bytes as they are. */
async function send(path: string, body: Uint8Array<ArrayBuffer> | string, type: string) {
  const headers = { Authorization: `Bearer ${room.keys.admin}`, "Content-Type": type };
  const answer = await fetch(`${room.url}${path}`, { method: "PUT", headers, body });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const put = (draft: Draft, body: Uint8Array | string, type = "image/png") =>
  send(sourceOf(draft), typeof body === "string" ? body : Uint8Array.from(body), type);

async function finished(id: string) {
  return until(
    `job ${id} to end`,
    async () => {
      const { body: job } = await room.call("GET", `/jobs/${id}`);
      return ["completed", "failed"].includes(job.status) && job;
    },
    60_000,
  );
}

async function run(payload: Record<string, unknown>) {
  const accepted = await room.call("POST", "/jobs", { body: { type: "tile_generation", payload } });
  expect(accepted.status).toBe(202);
  return finished(accepted.body.id);
}

describe("a source picture", () => {
  it("is put, looked at, replaced and taken away, each an edit of the draft", async () => {
    const draft = await createDraft(room);
    expect(await room.call("GET", sourceOf(draft))).toMatchObject({ status: 404, body: { code: "picture_missing" } });
    const bytes = await picture(300, 200);
    const first = await put(draft, bytes);
    const facts = { media_type: "image/png", width: 300, height: 200, size: bytes.byteLength };
    expect(first).toMatchObject({ status: 200, body: { ...facts, changed: true, revision: 2 } });
    expect((await room.call("GET", sourceOf(draft))).body).toMatchObject({ ...facts, sha256: first.body.sha256 });

    expect((await put(draft, bytes)).body).toMatchObject({ changed: false, revision: 2 });
    // By its bytes, whatever its header calls it.
    const other = await put(draft, await picture(100, 90, "webp"), "image/png");
    expect(other.body).toMatchObject({ media_type: "image/webp", width: 100, changed: true, revision: 3 });
    expect((await room.call("DELETE", sourceOf(draft))).body).toEqual({ changed: true, revision: 4 });
    expect((await room.call("DELETE", sourceOf(draft))).body).toEqual({ changed: false, revision: 4 });
  });

  it("that cannot be read is refused, and the one of before stays", async () => {
    const draft = await createDraft(room);
    const kept = await put(draft, await picture(30, 20));
    const cut = (await picture(300, 200)).subarray(0, 400);
    for (const [bytes, status, code] of [
      [Buffer.from("GIF89a"), 400, "picture_unreadable"],
      [Buffer.alloc(0), 400, "picture_unreadable"],
      [cut, 400, "picture_unreadable"],
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"/>'), 413, "picture_too_large"],
    ] as const)
      expect(await put(draft, bytes)).toMatchObject({ status, body: { code } });
    expect((await room.call("GET", sourceOf(draft))).body).toMatchObject({ sha256: kept.body.sha256, revision: 2 });
  });

  it("goes into a copy of its version", async () => {
    const draft = await createDraft(room);
    const { body } = await put(draft, await picture(30, 20));
    await room.call("POST", `/projects/${draft.project}/versions`, { body: { copy_from: 1 } });
    expect((await room.call("GET", sourceOf(draft, 2))).body).toMatchObject({ sha256: body.sha256, width: 30 });
  });

  it("is deleted with its project, bytes and all", async () => {
    const draft = await createDraft(room);
    const { body } = await put(draft, await picture(30, 20));
    expect((await room.call("DELETE", `/projects/${draft.project}`)).status).toBe(204);
    const rows = await query(room.database.em.fork(), `select 1 from artifacts where id = $1`, [body.artifact]);
    expect(rows).toEqual([]);
    expect(await room.stores.private.head(artifactKey("harbour", String(body["artifact"])))).toBeNull();
  });
});

describe("tiles that a job has cut", { timeout: 120_000 }, () => {
  it("are published and served, and look like the picture", async () => {
    const draft = await createDraft(room);
    await put(draft, await picture(700, 500));
    const { project } = draft;
    const job = await run({ project, version: 1, format: "png", tile_size: 200, overlap: 2 });
    const pyramid = { width: 700, height: 500, tile_size: 200, overlap: 2, format: "png" } as const;
    const tile_count = [...expectedTiles(pyramid)].length;
    expect(job).toMatchObject({ status: "completed", result: { ...pyramid, tile_count, revision: 3 } });
    const state = (await room.call("GET", `/projects/${project}/versions/1/tiles`)).body;
    expect(state).toMatchObject({ expected: tile_count, present: tile_count, complete: true, revision: 3 });

    const published = await room.call("POST", `/projects/${project}/versions/1/publish`, {
      body: { target_environment: "dev" },
    });
    const { status, result } = await finished(published.body.id);
    expect(status).toBe("completed");
    const { body: live } = await room.call("GET", result.release_url, { key: "" });
    expect(live.tiles).toMatchObject({ ...pyramid, digest: job.result.digest, tile_count });
    const source = sharp(await picture(700, 500));
    const top = dziLevels(pyramid).length - 1;
    for (const tile of expectedTiles(pyramid)) {
      const answer = await fetch(`${room.url}/${project}/tiles/${live.tiles.digest}/tiles_files/${tile.key}`);
      expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "image/png"]);
      if (tile.level < top) continue;
      const { width, height } = tile;
      const left = Math.max(0, tile.column * 200 - 2);
      const part = source.clone().extract({ left, top: Math.max(0, tile.row * 200 - 2), width, height });
      const seen = await sharp(await answer.bytes())
        .raw()
        .toBuffer();
      expect(seen.equals(await part.raw().toBuffer())).toBe(true);
    }

    // A copy has the tiles without copying them, and is published as well.
    await room.call("POST", `/projects/${project}/versions`, { body: { copy_from: 1 } });
    const again = await room.call("POST", `/projects/${project}/versions/2/publish`, {
      body: { target_environment: "staging" },
    });
    expect((await finished(again.body.id)).status).toBe("completed");
  });

  it("of one picture are the same twice, and nothing of the draft changes then", async () => {
    const draft = await createDraft(room);
    await put(draft, await picture(700, 500, "jpeg"));
    const first = await run({ project: draft.project, version: 1 });
    const second = await run({ project: draft.project, version: 1 });
    expect(second.result).toEqual(first.result);
    expect(second.logs.map((entry: { message: string }) => entry.message)).toEqual(
      expect.arrayContaining([expect.stringMatching(/Cut 17 tiles \(17 were there already\)/)]),
    );
  });

  it("can be replaced one by one afterwards", async () => {
    const draft = await createDraft(room);
    await put(draft, await picture(100, 80));
    await run({ project: draft.project, version: 1, format: "png" });
    const path = `/projects/${draft.project}/versions/1/tiles/0/0_0.png`;
    const tile = await sharp({ create: { width: 1, height: 1, channels: 3, background: "#123456" } })
      .png()
      .toBuffer();
    expect((await send(path, Uint8Array.from(tile), "image/png")).body).toMatchObject({ changed: true });
    const { body } = await room.call("GET", `/projects/${draft.project}/versions/1/publish/validate`);
    expect(body).toEqual({ valid: true, errors: [] });
  });

  it("come as XYZ too, every tile of every level, all of one size", async () => {
    const draft = await createDraft(room);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="1100"><rect width="9" height="9"/></svg>`;
    await put(draft, svg, "image/svg+xml");
    const job = await run({ project: draft.project, version: 1, layout: "xyz" });
    expect(job.result).toMatchObject({ tile_size: 256, overlap: 0, xyz: { tile_count: 24, max_zoom: 3 } });
    const found = await room.stores.private.get(artifactKey("harbour", job.result.xyz.artifact));
    const zip = Buffer.concat(await found!.body.toArray());
    expect(zip.byteLength).toBe(job.result.xyz.bytes);
    const names = new Set(zip.toString("latin1").match(/\d\/\d\/\d\.jpg/g));
    expect(names.size).toBe(24);
    expect([...names]).toEqual(expect.arrayContaining(["0/0/0.jpg", "2/1/2.jpg", "3/2/4.jpg"]));
    expect(names).not.toContain("3/4/2.jpg");
    const again = await run({ project: draft.project, version: 1, layout: "xyz" });
    expect(again.result.xyz.sha256).toBe(job.result.xyz.sha256);
  });

  it("are of another picture, where the request names one", async () => {
    const [one, other] = [await createDraft(room), await createDraft(room)];
    const { body } = await put(other, await picture(90, 60));
    const job = await run({ project: one.project, version: 1, source: { artifact: body.artifact } });
    expect(job.result).toMatchObject({ width: 90, height: 60 });
    const payload = { project: one.project, version: 1, source: { artifact: one.version_id } };
    const unknown = await room.call("POST", "/jobs", { body: { type: "tile_generation", payload } });
    expect(unknown.body.errors).toMatchObject([{ code: "upload_not_found", path: "/payload/source/artifact" }]);
  });
});
