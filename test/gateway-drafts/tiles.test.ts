import { createHash } from "node:crypto";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { draftTileKey } from "../../src/storage/keys.ts";
import { printDescriptor } from "../../src/tiles/descriptor.ts";
import { expectedTiles, type Descriptor } from "../../src/tiles/dzi.ts";
import { freeze, makeDraft, startDraftsServer, type DraftsServer } from "./drafts-server.ts";

const SMALL: Descriptor = { width: 40, height: 30, tile_size: 32, overlap: 0, format: "png" };

let server: DraftsServer;
beforeAll(async () => {
  server = await startDraftsServer({ PLATEN_MAX_TILE_BYTES: "2048" });
});
afterAll(() => server.close());

const png = (width: number, height: number, background = "#3a6") =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
const putDescriptor = (path: string, descriptor: Descriptor) =>
  server.call("PUT", `${path}/tiles.dzi`, { body: printDescriptor(descriptor), type: "application/xml" });
const putTile = (path: string, key: string, body: Uint8Array, type = "image/png") =>
  server.call("PUT", `${path}/tiles/${key}`, { body, type });

async function stored(slug: string, version: number, key: string): Promise<Buffer | null> {
  const found = await server.stores.private.get(draftTileKey("home", slug, version, key));
  return found && Buffer.concat(await found.body.toArray());
}

async function putAll(path: string, descriptor = SMALL): Promise<void> {
  await putDescriptor(path, descriptor);
  for (const { key, width, height } of expectedTiles(descriptor)) await putTile(path, key, await png(width, height));
}

test("a pyramid goes in tile by tile, and the version tells what is still missing", async () => {
  const path = await makeDraft(server, "pyramid");
  expect((await putDescriptor(path, SMALL)).body).toEqual({ expected: 8, dropped: 0, revision: 2 });
  expect((await server.call("GET", `${path}/tiles`)).body).toMatchObject({ expected: 8, present: 0, complete: false });
  await putAll(path);
  expect((await server.call("GET", `${path}/tiles`)).body).toEqual({
    expected: 8,
    present: 8,
    complete: true,
    missing: [],
    revision: 10,
  });
  expect((await server.call("GET", path)).body.tiles).toEqual({ expected: 8, present: 8 });
  const read = await server.call("GET", `${path}/tiles.dzi`);
  expect(read.body).toBe(printDescriptor(SMALL));
  expect(read.headers.get("Content-Type")).toContain("application/xml");

  const manifest = await server.call("GET", `${path}/tiles?manifest=1`);
  const rows = manifest.body
    .trim()
    .split("\n")
    .map((line: string) => JSON.parse(line));
  expect(rows.map((row: { key: string }) => row.key)).toEqual([...expectedTiles(SMALL)].map(({ key }) => key).sort());
  expect(rows[0]).toEqual({
    key: "0/0_0.png",
    size: expect.any(Number),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test("each of many tiles at once counts as one change", async () => {
  const path = await makeDraft(server, "parallel");
  await putDescriptor(path, SMALL);
  const tiles = await Promise.all(
    [...expectedTiles(SMALL)].map(async ({ key, width, height }) => ({ key, bytes: await png(width, height) })),
  );
  const twice = [...tiles, ...tiles];
  const answers = await Promise.all(twice.map(({ key, bytes }) => putTile(path, key, bytes)));
  expect(answers.filter(({ body }) => body.changed)).toHaveLength(tiles.length);
  expect((await server.call("GET", path)).body).toMatchObject({ revision: 10, tiles: { present: 8 } });
});

test("sending a tile again changes nothing, and mends an object that got lost", async () => {
  const path = await makeDraft(server, "again");
  await putDescriptor(path, SMALL);
  const tile = await png(1, 1);
  expect((await putTile(path, "0/0_0.png", tile)).body).toMatchObject({ changed: true, revision: 3 });
  await server.stores.private.delete(draftTileKey("home", "again", 1, "0/0_0.png"));
  expect((await putTile(path, "0/0_0.png", tile)).body).toMatchObject({ changed: false, revision: 3 });
  expect(await stored("again", 1, "0/0_0.png")).toEqual(tile);
});

test("another tile under the same key replaces it, object and row alike, also when many race", async () => {
  const path = await makeDraft(server, "race");
  await putDescriptor(path, SMALL);
  const tiles = await Promise.all(["#111", "#222", "#333", "#444", "#555"].map((colour) => png(32, 30, colour)));
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(tiles.map((tile) => putTile(path, "6/0_0.png", tile, "application/octet-stream")));
    const object = await stored("race", 1, "6/0_0.png");
    const manifest = await server.call("GET", `${path}/tiles?manifest=1`);
    expect(JSON.parse(manifest.body).sha256).toBe(createHash("sha256").update(object!).digest("hex"));
  }
});

test("tiles that do not fit a new descriptor leave the manifest, the others stay", async () => {
  const path = await makeDraft(server, "regrown");
  await putAll(path);
  expect((await putDescriptor(path, SMALL)).body).toEqual({ expected: 8, dropped: 0, revision: 10 });
  const wider = await putDescriptor(path, { ...SMALL, width: 41 });
  expect(wider.body).toMatchObject({ expected: 8, revision: 11 });
  // 41 pixels halve to 21 and 11 where 40 gave 20 and 10: those levels and the narrow column go.
  expect(wider.body.dropped).toBe(4);
  expect((await server.call("GET", `${path}/tiles`)).body).toMatchObject({ present: 4, complete: false });
  const other = await putDescriptor(path, { ...SMALL, format: "webp" });
  expect(other.body.dropped).toBe(4);
  expect((await server.call("GET", `${path}/tiles`)).body.missing).toHaveLength(8);
});

test.each([
  ["before its descriptor", null, "0/0_0.png", () => png(1, 1), "tile_rejected"],
  ["of the wrong size", SMALL, "6/1_0.png", () => png(9, 30), "tile_rejected"],
  ["that the pyramid does not call for", SMALL, "6/2_0.png", () => png(8, 30), "tile_rejected"],
  ["with an odd name", SMALL, "6/..%2f0_0.png", () => png(8, 30), "tile_rejected"],
  [
    "of another format",
    SMALL,
    "0/0_0.png",
    () =>
      sharp(Buffer.from([1, 2, 3]), { raw: { width: 1, height: 1, channels: 3 } })
        .jpeg()
        .toBuffer(),
    "tile_rejected",
  ],
  ["of no bytes", SMALL, "0/0_0.png", async () => Buffer.alloc(0), "tile_rejected"],
  ["above the limit", SMALL, "0/0_0.png", async () => Buffer.alloc(2049), "body_too_large"],
] as const)("a tile %s is refused and leaves nothing", async (_, descriptor, key, make, code) => {
  const slug = `refused-${code.length}-${key.length}-${descriptor ? 1 : 0}`;
  const path = await makeDraft(server, slug);
  if (descriptor) await putDescriptor(path, descriptor);
  const before = (await server.call("GET", path)).body.revision;
  expect((await putTile(path, key, await make())).body.code).toBe(code);
  expect((await server.call("GET", path)).body.revision).toBe(before);
  for await (const object of server.stores.private.list(`home/${slug}/`)) expect.unreachable(`${object.key} was left`);
});

test("a copy has the content and the tiles of its source, and lives on its own", async () => {
  const path = await makeDraft(server, "origin");
  await putAll(path);
  await server.call("PUT", `${path}/config`, { body: { title: "Origin" } });
  await server.call("PUT", `${path}/layers`, { body: [{ ref: "a", label: "A" }] });
  const feature = {
    type: "Feature",
    geometry: { type: "Point", coordinates: [1, 2] },
    properties: { ref: "x", kept: [1] },
  };
  await server.call("PUT", `${path}/overlays`, { body: { type: "FeatureCollection", features: [feature] } });
  await freeze(server, "origin");

  const copy = await server.call("POST", "/projects/origin/versions", { body: { copy_from: 1 } });
  expect(copy).toMatchObject({
    status: 201,
    body: { version: 2, status: "draft", revision: 1, has_config: true, layers: 1, overlays: { total: 1, visible: 1 } },
  });
  expect(copy.body.tiles).toEqual({ expected: 8, present: 8 });
  const two = "/projects/origin/versions/2";
  for (const part of ["overlays", "tiles?manifest=1", "tiles.dzi"])
    expect((await server.call("GET", `${two}/${part}`)).body).toEqual(
      (await server.call("GET", `${path}/${part}`)).body,
    );
  const original = await stored("origin", 1, "6/0_0.png");
  expect(await stored("origin", 2, "6/0_0.png")).toEqual(original);
  await putTile(two, "6/0_0.png", await png(32, 30, "#f00"));
  expect(await stored("origin", 1, "6/0_0.png")).toEqual(original);
});

test.each(["missing", "damaged"])(
  "a version with a %s tile is not copied, and leaves no version behind",
  async (what) => {
    const path = await makeDraft(server, what);
    await putAll(path);
    const key = draftTileKey("home", what, 1, "6/1_0.png");
    if (what === "missing") await server.stores.private.delete(key);
    else await server.stores.private.put(key, Buffer.from("rust"));
    const copy = await server.call("POST", `/projects/${what}/versions`, { body: { copy_from: 1 } });
    expect(copy.body).toMatchObject({ code: "source_tile_damaged", facts: { key: "6/1_0.png", what } });
    expect((await server.call("GET", `/projects/${what}/versions`)).body.versions).toHaveLength(1);
  },
);
