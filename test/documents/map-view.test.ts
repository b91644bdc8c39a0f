/** The map in a document, by its pixels: the picture of the version's tiles, wherever they lie, and the overlays above it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { unzipSync } from "fflate";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { attachTileSet } from "../../src/projects/attach-tile-set.ts";
import { importDescriptor, importTile } from "../../src/projects/import-tiles.ts";
import { deleteAllTiles, deleteTiles } from "../../src/projects/tile-store.ts";
import { findDraft, type Version } from "../../src/projects/version-store.ts";
import { cutTilesPrefix } from "../../src/storage/keys.ts";
import { takeTiles } from "../../src/tiles/cut/cut-tiles.ts";
import { expectedTiles } from "../../src/tiles/dzi.ts";
import { createTileSetDigest } from "../../src/tiles/tile-set-digest.ts";
import { makeFile, type Made } from "../support/documents.ts";
import { createDraft, createPublishing, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { cutRoom, type Cut } from "../tiles/cut-room.ts";

const [WIDTH, HEIGHT] = [600, 400];
const RED = { r: 200, g: 30, b: 30 };
const BLUE = { r: 30, g: 30, b: 200 };
const { signal } = new AbortController();

const cuts = cutRoom();
let room: Publishing;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

/** The left half red, the right one blue. */
async function halves(): Promise<Buffer> {
  const left = await sharp({ create: { width: WIDTH / 2, height: HEIGHT, channels: 3, background: RED } })
    .png()
    .toBuffer();
  return sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: BLUE } })
    .composite([{ input: left, left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** One tile after the other, each under its key. */
async function asImported(version: Version, { folder, pyramid }: Cut): Promise<void> {
  const db = room.database.em.fork();
  await importDescriptor(db, version, pyramid);
  for (const { key } of expectedTiles(pyramid)) {
    const bytes = await readFile(join(folder, key));
    await importTile({ db, store: room.stores.private, version, key, bytes });
  }
}

/** All at once, each under its digest. */
async function asCut(version: Version, { folder, pyramid }: Cut): Promise<void> {
  const { intake } = room.stores;
  const prefix = cutTilesPrefix(version.tenant, version.project);
  const digest = createTileSetDigest(pyramid);
  const all: { key: string; size: number; sha256: string }[] = [];
  for await (const tiles of takeTiles({ intake, prefix, folder, pyramid, signal })) all.push(...tiles);
  for (const tile of all) digest.add(tile);
  const page = async function* () {
    yield all;
  };
  const set = { digest: digest.digest(), tile_set: pyramid, tile_count: all.length, manifest_key: "none" };
  const onTiles = (): void => undefined;
  await attachTileSet({
    db: room.database.em.fork(),
    version,
    set,
    tiles: page(),
    picture: null,
    signal,
    onTiles,
    finish: async () => undefined,
  });
}

/** A draft whose overlay is a green square in the middle of the left half, with the picture's tiles. */
async function draftWith(put: typeof asCut): Promise<Draft> {
  const square = [
    [100, 150],
    [200, 150],
    [200, 250],
    [100, 250],
    [100, 150],
  ];
  const style = { fill: "#00ff00", opacity: 1 };
  const geometry = { type: "Polygon", coordinates: [square] };
  const draft = await createDraft(room, { overlays: [{ geometry, style, label: {} }] });
  const db = room.database.em.fork();
  await deleteAllTiles(db, draft.version_id);
  const version = await findDraft(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
  await cuts.cut(await halves(), { format: "jpeg" }, (cut) => put(version, cut));
  return draft;
}

const mapOf = (draft: Draft): Promise<Made> =>
  makeFile(
    room,
    { format: "document", title: "Map", specification: { content: [{ type: "map_view", labels: false }] } },
    draft,
  );

/** The colour of the document's picture at a place, as far as JPEG keeps colours. */
async function colourAt({ bytes }: Made, [x, y]: [x: number, y: number]): Promise<[r: number, g: number, b: number]> {
  const [, picture] = Object.entries(unzipSync(bytes)).find(([name]) => name.startsWith("word/media/"))!;
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([WIDTH, HEIGHT]);
  const at = (y * WIDTH + x) * info.channels;
  return [data[at]!, data[at + 1]!, data[at + 2]!];
}

const near = (value: number) => expect.closeTo(value, -1.4);

it.each([
  ["imported", asImported],
  ["cut by a job", asCut],
] as const)("shows tiles that were %s, with the overlays above them", { timeout: 60_000 }, async (_, put) => {
  const made = await mapOf(await draftWith(put));
  expect(made.left_out).toEqual([]);
  expect(await colourAt(made, [40, 40])).toEqual([near(RED.r), near(RED.g), near(RED.b)]);
  expect(await colourAt(made, [560, 360])).toEqual([near(BLUE.r), near(BLUE.g), near(BLUE.b)]);
  expect(await colourAt(made, [150, 200])).toEqual([near(0), near(255), near(0)]);
});

it("says how many tiles are missing, and shows the rest", { timeout: 60_000 }, async () => {
  const draft = await draftWith(asImported);
  await deleteTiles(room.database.em.fork(), draft.version_id, ["10/0_0.jpeg"]);
  const made = await mapOf(draft);
  expect(made.left_out).toEqual(["1 of 6 tiles of the map view, which are missing"]);
  expect(await colourAt(made, [560, 360])).toEqual([near(BLUE.r), near(BLUE.g), near(BLUE.b)]);
});
