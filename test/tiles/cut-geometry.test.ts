/** Tiles as they are cut: exactly those that the pyramid calls for, and every pixel where it belongs. */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Region, type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import type { TileGenerationPayload } from "../../contract/tile-generation.ts";
import { dziLevels, expectedTiles, type ExpectedTile } from "../../src/tiles/dzi.ts";
import { checkTile, inspectTile } from "../../src/tiles/inspect-tile.ts";
import { createTileSetDigest } from "../../src/tiles/tile-set-digest.ts";
import { gradient, picture } from "../support/pictures.ts";
import { runPictureChild } from "../../src/tiles/cut/run-picture-child.ts";
import { inScratch } from "../../src/tiles/cut/scratch.ts";
import { cutRoom, LIMITS, type Cut } from "./cut-room.ts";

const room = cutRoom();

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="500"><rect width="300" height="500" fill="#c00"/></svg>`;

async function keysIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((name) => /^\d+\/\d+_\d+\.\w+$/.test(name)).toSorted();
}

async function digestOf({ folder, pyramid }: Cut): Promise<string> {
  const set = createTileSetDigest(pyramid);
  for (const key of [...expectedTiles(pyramid)].map((tile) => tile.key).toSorted()) {
    const bytes = await readFile(join(folder, key));
    set.add({ key, size: bytes.byteLength, sha256: createHash("sha256").update(bytes).digest("hex") });
  }
  return set.digest();
}

/** RGB of a part of an image. */
const pixels = (image: Sharp, part: Region): Promise<Buffer> => image.extract(part).removeAlpha().raw().toBuffer();

const inPart = (pyramid: Cut["pyramid"], tile: ExpectedTile): { left: number; top: number } => ({
  left: Math.max(0, tile.column * pyramid.tile_size - pyramid.overlap),
  top: Math.max(0, tile.row * pyramid.tile_size - pyramid.overlap),
});

describe("the tiles are those that the pyramid calls for", () => {
  const cases: [string, number, number, Partial<TileGenerationPayload>][] = [
    ["a single pixel", 1, 1, {}],
    ["a line", 1, 700, {}],
    ["odd sides", 1_001, 333, {}],
    ["just one tile", 254, 254, {}],
    ["one pixel more than a tile", 255, 254, {}],
    ["whole tiles", 512, 256, { tile_size: 256, overlap: 0 }],
    ["without overlap", 600, 401, { tile_size: 128, overlap: 0 }],
    ["a wide overlap", 600, 401, { tile_size: 100, overlap: 8 }],
    ["small tiles", 130, 77, { tile_size: 16, overlap: 2 }],
    ["tiles that are larger than the picture", 300, 200, { tile_size: 1_024 }],
    ["a rest that the overlap covers", 257, 257, { tile_size: 128, overlap: 4 }],
  ];

  test.each(cases)("%s", async (_, width, height, asked) => {
    await room.cut(await picture(width, height), { format: "png", ...asked }, async ({ folder, pyramid }) => {
      expect(await keysIn(folder)).toEqual([...expectedTiles(pyramid)].map(({ key }) => key).toSorted());
      const top = dziLevels(pyramid).length - 1;
      const source = await (await gradient(width, height)).png().toBuffer();
      for (const tile of expectedTiles(pyramid)) {
        const bytes = await readFile(join(folder, tile.key));
        checkTile(pyramid, tile.key, await inspectTile(tile.key, bytes));
        if (tile.level < top) continue;
        const { width, height } = tile;
        const seen = await pixels(sharp(bytes), { left: 0, top: 0, width, height });
        expect(seen.equals(await pixels(sharp(source), { ...inPart(pyramid, tile), width, height }))).toBe(true);
      }
    });
  });

  test("on every level, neighbours show the same where they overlap", async () => {
    await room.cut(await picture(900, 700), { format: "png", tile_size: 100, overlap: 3 }, async (cut) => {
      const { folder, pyramid } = cut;
      const both = 2 * pyramid.overlap;
      for (const tile of expectedTiles(pyramid)) {
        const right = join(folder, String(tile.level), `${tile.column + 1}_${tile.row}.png`);
        if (!(await keysIn(folder)).includes(`${tile.level}/${tile.column + 1}_${tile.row}.png`)) continue;
        const { width, height } = tile;
        const here = sharp(join(folder, tile.key));
        const strip = await pixels(here, { left: width - both, top: 0, width: both, height });
        expect(strip.equals(await pixels(sharp(right), { left: 0, top: 0, width: both, height }))).toBe(true);
      }
    });
  });
});

describe("every format of picture is cut", () => {
  const left = async (bytes: Buffer | string, format: "jpeg" | "png" | "webp"): Promise<number[]> =>
    room.cut(bytes, { format }, async ({ folder, pyramid }) => {
      expect(pyramid).toMatchObject({ width: 600, height: 500 });
      for (const tile of expectedTiles(pyramid))
        checkTile(pyramid, tile.key, await inspectTile(tile.key, await readFile(join(folder, tile.key))));
      const part = { left: 20, top: 20, width: 1, height: 1 };
      return [...(await pixels(sharp(join(folder, `${dziLevels(pyramid).length - 1}/0_0.${format}`)), part))];
    });

  test.each(["png", "jpeg", "webp", "tiff"] as const)("%s", async (format) => {
    const [r = 255, g = 255, b = 0] = await left(await picture(600, 500, format), "webp");
    expect([r < 40, g < 40, b > 40]).toEqual([true, true, true]);
  });

  test("SVG", async () => expect(await left(SVG, "png")).toEqual([204, 0, 0]));

  test("a photo that is to be turned, as it is seen", async () => {
    const lying = await (await gradient(500, 600)).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    // Turned clockwise, the lower left corner comes to the upper left: no red, all green.
    const [r = 255, g = 0] = await left(lying, "png");
    expect([r < 40, g > 200]).toEqual([true, true]);
  });

  test("CMYK, in the colours of screens", async () => {
    const cmyk = await (await gradient(600, 500)).toColourspace("cmyk").jpeg().toBuffer();
    const [r = 255] = await left(cmyk, "png");
    expect(r).toBeLessThan(80);
  });

  test("16 bits a channel, as JPEG", async () => {
    const deep = await (await gradient(600, 500)).toColourspace("rgb16").png().toBuffer();
    const [r = 255, g = 255] = await left(deep, "jpeg");
    expect([r < 40, g < 40]).toEqual([true, true]);
  });
});

describe("what is transparent", () => {
  const corner = (asked: Partial<TileGenerationPayload>): Promise<number[]> =>
    gradient(300, 200, 4)
      .then((image) => image.png().toBuffer())
      .then((bytes) =>
        room.cut(bytes, asked, async ({ folder, pyramid }) => {
          const top = dziLevels(pyramid).length - 1;
          const tile = sharp(join(folder, `${top}/1_0.${pyramid.format}`));
          return [...(await tile.extract({ left: 5, top: 5, width: 1, height: 1 }).raw().toBuffer())];
        }),
      );

  test("stays so in PNG", async () => expect((await corner({ format: "png" })).at(3)).toBe(0));
  test("is white in JPEG", async () => expect(await corner({ format: "jpeg" })).toEqual([255, 255, 255]));
  test("has the background that is asked for", async () =>
    expect(await corner({ format: "png", background: "#102030" })).toEqual([16, 32, 48]));
});

test.each(["jpeg", "png", "webp"] as const)(
  "the same picture gives the same %s tiles, byte by byte",
  async (format) => {
    const bytes = await picture(1_500, 1_100, "jpeg");
    const first = await room.cut(bytes, { format }, digestOf);
    expect(await room.cut(bytes, { format }, digestOf)).toBe(first);
  },
);

test("however many threads cut them", async () => {
  const bytes = await picture(1_500, 1_100, "jpeg");
  const pyramid = { width: 1_500, height: 1_100, tile_size: 254, overlap: 1, format: "jpeg" } as const;
  const withThreads = (threads: number): Promise<string> =>
    inScratch(room.settings({}).scratch, async (scratch) => {
      const [source, into] = [join(scratch, "picture"), join(scratch, "cut")];
      await writeFile(source, bytes);
      const cut = { ...pyramid, quality: 80, background: null, layout: "dz" as const, into };
      await runPictureChild({ picture: source, scratch, cut, threads }, LIMITS, { doing: "cut" });
      return digestOf({ folder: `${into}_files`, pyramid });
    });
  expect(await withThreads(8)).toBe(await withThreads(1));
});
