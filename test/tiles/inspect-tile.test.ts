import sharp from "sharp";
import { expect, test } from "vitest";
import type { Descriptor } from "../../src/tiles/dzi.ts";
import { checkTile, inspectTile } from "../../src/tiles/inspect-tile.ts";
import { tileSetDigest } from "../../src/tiles/tile-set-digest.ts";

const draw = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: "#08f" } });
const descriptor: Descriptor = { width: 300, height: 200, tile_size: 256, overlap: 0, format: "webp" };

test.each([
  ["image/jpeg", () => draw(30, 20).jpeg()],
  ["image/png", () => draw(30, 20).png()],
  ["image/webp", () => draw(30, 20).webp()],
  ["image/webp", () => draw(30, 20).webp({ lossless: true })],
] as const)("a real %s image is known by its bytes, with its size", async (media_type, make) => {
  expect(await inspectTile("0/0_0.png", await make().toBuffer())).toEqual({ media_type, width: 30, height: 20 });
});

test.each([
  ["empty", Buffer.alloc(0), /empty/],
  ["text", Buffer.from("hello"), /no JPEG/],
  ["an SVG", Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`), /no JPEG/],
  ["a bare signature", Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), /header cannot be read/],
  ["a bare RIFF", Buffer.from("RIFF\0\0\0\0WEBP", "latin1"), /header cannot be read/],
])("what is %s is no tile", async (_, bytes, reason) => {
  await expect(inspectTile("0/0_0.png", bytes)).rejects.toMatchObject({
    code: "tile_rejected",
    message: expect.stringMatching(reason),
  });
});

test("a GIF is no tile", async () => {
  await expect(inspectTile("0/0_0.png", await draw(1, 1).gif().toBuffer())).rejects.toThrow(/no JPEG/);
});

test.each(["jpeg", "png", "webp"] as const)(
  "a %s that browsers would turn is no tile, one that says it is upright is",
  async (format) => {
    const noted = (orientation: number) => draw(30, 20).withMetadata({ orientation }).toFormat(format).toBuffer();
    await expect(inspectTile("0/0_0.jpg", await noted(6))).rejects.toThrow(/EXIF orientation 6.*`vips autorot`/);
    expect(await inspectTile("0/0_0.jpg", await noted(1))).toMatchObject({ width: 30, height: 20 });
  },
);

test("a tile must be of the pyramid's format and of the size that its place calls for", () => {
  const tile = { media_type: "image/webp", width: 44, height: 200 } as const;
  expect(() => checkTile(descriptor, "9/1_0.webp", tile)).not.toThrow();
  expect(() => checkTile(descriptor, "9/2_0.webp", tile)).toThrow(/has no such tile/);
  expect(() => checkTile(descriptor, "9/1_0.png", tile)).toThrow(/has no such tile/);
  expect(() => checkTile(descriptor, "9/0_0.webp", tile)).toThrow("44 × 200 pixels, not 256 × 200");
  expect(() => checkTile(descriptor, "9/1_0.webp", { ...tile, media_type: "image/png" })).toThrow(/is image\/png/);
});

test("the digest of a tile set changes with its descriptor and with each field of each tile", async () => {
  const tile = { key: "0/0_0.webp", size: 10, sha256: "a".repeat(64) };
  const other = { key: "1/0_0.webp", size: 10, sha256: "a".repeat(64) };
  const digests = await Promise.all([
    tileSetDigest([tile, other], descriptor),
    tileSetDigest([tile], descriptor),
    tileSetDigest([{ ...tile, size: 11 }, other], descriptor),
    tileSetDigest([{ ...tile, sha256: "b".repeat(64) }, other], descriptor),
    tileSetDigest([tile, { ...other, key: "1/0_1.webp" }], descriptor),
    tileSetDigest([tile, other], { ...descriptor, overlap: 1 }),
  ]);
  expect(new Set(digests).size).toBe(digests.length);
  expect(await tileSetDigest([tile, other], { ...descriptor })).toBe(digests[0]);
});

test("a digest over tiles that are out of order is never made", async () => {
  const tiles = ["10/0_0.webp", "2/0_0.webp", "10/0_0.webp"].map((key) => ({ key, size: 1, sha256: "" }));
  await expect(tileSetDigest(tiles, descriptor)).rejects.toThrow("tiles out of order: 10/0_0.webp after 2/0_0.webp");
});
