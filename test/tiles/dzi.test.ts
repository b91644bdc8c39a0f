import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { parseDescriptor } from "../../src/tiles/descriptor.ts";
import { dziLevels, expectedTile, expectedTiles, tileCount, type Descriptor } from "../../src/tiles/dzi.ts";
import { checkTile, inspectTile } from "../../src/tiles/inspect-tile.ts";

const descriptors = fc
  .record({
    width: fc.integer({ min: 1, max: 900 }),
    height: fc.integer({ min: 1, max: 900 }),
    tile_size: fc.integer({ min: 8, max: 300 }),
    overlap: fc.integer({ min: 0, max: 4 }),
  })
  .map((numbers): Descriptor => ({ ...numbers, format: "png" }));

/** Cuts level by level, marking each pixel: slow and obvious. */
function bruteForce({ width, height, tile_size, overlap, format }: Descriptor): Map<string, string> {
  const tiles = new Map<string, string>();
  for (let level = Math.ceil(Math.log2(Math.max(width, height))), w = width, h = height; level >= 0; level -= 1) {
    for (let x = 0; x < w; x += tile_size)
      for (let y = 0; y < h; y += tile_size) {
        const across = span(x, tile_size, overlap, w);
        const down = span(y, tile_size, overlap, h);
        tiles.set(`${level}/${x / tile_size}_${y / tile_size}.${format}`, `${across}x${down}`);
      }
    w = Math.ceil(w / 2);
    h = Math.ceil(h / 2);
  }
  return tiles;
}

function span(start: number, tile_size: number, overlap: number, length: number): number {
  let pixels = 0;
  for (let at = start - overlap; at < start + tile_size + overlap; at += 1) if (at >= 0 && at < length) pixels += 1;
  return pixels;
}

test("a pyramid calls for exactly the tiles that cutting it by hand gives", () => {
  fc.assert(
    fc.property(descriptors, (descriptor) => {
      const tiles = [...expectedTiles(descriptor)];
      expect(new Map(tiles.map(({ key, width, height }) => [key, `${width}x${height}`]))).toEqual(
        bruteForce(descriptor),
      );
      expect(tiles).toHaveLength(tileCount(descriptor));
      for (const tile of tiles) expect(expectedTile(descriptor, tile.key)).toEqual(tile);
    }),
    { numRuns: 100 },
  );
});

/** Lengths of a few tiles, and so close to a whole number of them that the last is a sliver or just its overlap. */
const cuts = fc
  .record({ tile_size: fc.integer({ min: 8, max: 40 }), overlap: fc.integer({ min: 0, max: 4 }) })
  .chain((numbers) => {
    const near = fc
      .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -5, max: 5 }))
      .map(([tiles, more]) => Math.max(1, tiles * numbers.tile_size + more));
    return fc.record({ width: near, height: near }).map((size): Descriptor => ({ ...numbers, ...size, format: "png" }));
  });

test("a pyramid that sharp cuts is just what its descriptor calls for, whatever its size", async () => {
  const folder = await mkdtemp(join(tmpdir(), "platen-dzi-"));
  let cut = 0;
  await fc.assert(
    fc.asyncProperty(cuts, async (asked) => {
      const place = join(folder, String((cut += 1)));
      await sharp({ create: { width: asked.width, height: asked.height, channels: 3, background: "#3a6" } })
        .png()
        .tile({ layout: "dz", size: asked.tile_size, overlap: asked.overlap })
        .toFile(`${place}.dz`);
      const descriptor = parseDescriptor(await readFile(`${place}.dzi`, "utf8"));
      expect(descriptor).toEqual(asked);
      const files = (await readdir(`${place}_files`, { recursive: true })).filter((name) => /\d_\d+\./.test(name));
      expect(files.sort()).toEqual([...expectedTiles(descriptor)].map(({ key }) => key).sort());
      for (const key of files)
        checkTile(descriptor, key, await inspectTile(key, await readFile(join(`${place}_files`, key))));
    }),
    {
      numRuns: 60,
      examples: [
        [{ width: 1, height: 1, tile_size: 256, overlap: 1, format: "png" }],
        [{ width: 257, height: 256, tile_size: 256, overlap: 1, format: "png" }],
        [{ width: 1000, height: 613, tile_size: 254, overlap: 1, format: "png" }],
        [{ width: 1, height: 5000, tile_size: 512, overlap: 2, format: "png" }],
      ],
    },
  );
  await rm(folder, { recursive: true });
});

test("a pyramid of the largest size has levels that can be counted", () => {
  const side = 2 ** 31 - 1;
  const levels = dziLevels({ width: side, height: side, tile_size: 8192, overlap: 0, format: "png" });
  expect(levels).toHaveLength(32);
  expect(levels[31]).toMatchObject({ level: 31, width: side, columns: 262_144 });
});

test.each([
  "0/0_0.jpg",
  "00/0_0.png",
  "0/0_00.png",
  "9/0_0.png",
  "0/1_0.png",
  "0/-1_0.png",
  "0/0_0.png/",
  "../0_0.png",
  "",
])("the key %j names no tile of a PNG pyramid of 300 × 200", (key) => {
  expect(expectedTile({ width: 200, height: 200, tile_size: 128, overlap: 0, format: "png" }, key)).toBeNull();
});
