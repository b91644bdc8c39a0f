/** A tile whose header is whole and whose pixels are not. */
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodeTile } from "../../src/tiles/decode-tile.ts";
import { inspectTile } from "../../src/tiles/inspect-tile.ts";

const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
const draw = () => sharp({ create: { width: 256, height: 200, channels: 3, background: "#888", noise } });
const FORMATS = {
  "a JPEG": () => draw().jpeg(),
  "a progressive JPEG": () => draw().jpeg({ progressive: true }),
  "a PNG": () => draw().png(),
  "an interlaced PNG": () => draw().png({ progressive: true }),
  "a PNG with a palette": () => draw().png({ palette: true }),
  "a WebP": () => draw().webp(),
  "a lossless WebP": () => draw().webp({ lossless: true }),
};

async function decode(bytes: Buffer): Promise<void> {
  await decodeTile("8/0_0.img", bytes, await inspectTile("8/0_0.img", bytes));
}

describe.each(Object.entries(FORMATS))("%s", (_, make) => {
  test("is taken when it is whole, also with bytes behind its end", async () => {
    const whole = await make().toBuffer();
    await decode(whole);
    await decode(Buffer.concat([whole, Buffer.from("left over")]));
  });

  test("is rejected with its name, however much or little of its end is missing", async () => {
    const whole = await make().toBuffer();
    for (const left of [whole.length - 1, whole.length - 2, whole.length - 13, whole.length >> 1, 1_000]) {
      await expect(decode(whole.subarray(0, left)), `${left} of ${whole.length} bytes`).rejects.toMatchObject({
        code: "tile_rejected",
        facts: {
          key: "8/0_0.img",
          reason: expect.stringMatching(/^it is cut off|^its (pixels|header) cannot be read/),
        },
      });
    }
  });
});

test("a PNG whose checksums do not hold is rejected", async () => {
  const bytes = await draw().png().toBuffer();
  bytes[bytes.length >> 1]! ^= 1;
  await expect(decode(bytes)).rejects.toMatchObject({ code: "tile_rejected" });
});

test("a file that would unpack to more than its header said is not unpacked", async () => {
  const bytes = await draw().png().toBuffer();
  const smaller = { media_type: "image/png", width: 10, height: 10 } as const;
  await expect(decodeTile("0/0_0.png", bytes, smaller)).rejects.toMatchObject({
    code: "tile_rejected",
    message: expect.stringMatching(/exceeds pixel limit/),
  });
});

test("how large a picture claims to be is told without decoding it", async () => {
  const bomb = Buffer.from(
    "89504e470d0a1a0a0000000d49484452000186a0000186a00802000000" + "00000000" + "0000000049454e44ae426082",
    "hex",
  );
  const { width, height } = await inspectTile("0/0_0.png", await withChecksum(bomb));
  expect([width, height]).toEqual([100_000, 100_000]);
});

/** The header's CRC put in, and an IDAT that a decoder would begin with. */
async function withChecksum(png: Buffer): Promise<Buffer> {
  const { crc32, deflateSync } = await import("node:zlib");
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  const data = deflateSync(Buffer.alloc(1_000));
  const idat = Buffer.concat([Buffer.alloc(4), Buffer.from("IDAT"), data, Buffer.alloc(4)]);
  idat.writeUInt32BE(data.length);
  idat.writeUInt32BE(crc32(idat.subarray(4, 8 + data.length)), 8 + data.length);
  return Buffer.concat([png.subarray(0, 33), idat, png.subarray(33)]);
}
