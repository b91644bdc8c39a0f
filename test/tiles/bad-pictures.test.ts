/** Pictures that cannot be cut, and pictures that are made to do harm: a code, a place, and a process that is gone. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../src/errors.ts";
import { childrenOf } from "../support/processes.ts";
import { picture } from "../support/pictures.ts";
import { cutRoom } from "./cut-room.ts";

const room = cutRoom();
const nothing = async (): Promise<void> => undefined;

let openFiles: number;
beforeAll(async () => {
  // Whatever the first picture loads stays loaded.
  await room.cut(await picture(10, 10), {}, nothing);
  openFiles = await countFiles();
});
beforeEach(() => expect(room.left()).resolves.toEqual([]));
afterAll(async () => {
  expect(await childrenOf(process.pid, "picture-child")).toEqual([]);
  expect(await countFiles()).toBeLessThanOrEqual(openFiles);
});

const countFiles = async (): Promise<number> => (await readdir("/proc/self/fd")).length;

/** What cutting it fails with. */
async function refusal(bytes: Buffer | string, limits: Parameters<typeof room.cut>[3] = {}): Promise<AppError> {
  const error = await room.cut(bytes, { format: "jpeg" }, nothing, limits).then(
    () => "it was cut",
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

const plain = (side: number, channels: 3 | 4 = 3): Sharp =>
  sharp({ create: { width: side, height: side, channels, background: "#000" }, limitInputPixels: false });
const svg = (inside: string, size = 'width="100" height="100"'): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${size}>${inside}</svg>`;
const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length >> 1);

/** As a PNG of so many pixels would begin, though it has none. */
async function headerOf(width: number, height: number): Promise<Buffer> {
  const bytes = await plain(1).png().toBuffer();
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  // Without the header's checksum no decoder looks further.
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

function crc32(bytes: Buffer): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}

const BILLION_LAUGHS = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">${"bcdefghi"
  .split("")
  .map((name, at) => `<!ENTITY ${name} "${`&${"abcdefghi"[at]};`.repeat(10)}">`)
  .join("")}]>${svg("<text>&i;</text>")}`;

describe("refused, and told why and where", () => {
  const table: [string, () => Promise<Buffer | string>, string, RegExp][] = [
    ["empty", async () => "", "picture_unreadable", /it is empty/],
    ["text", async () => "not a picture\n", "picture_unreadable", /by its first bytes it is no PNG/],
    ["a PDF", async () => "%PDF-1.7\n", "picture_unreadable", /by its first bytes/],
    ["a GIF", async () => plain(9).gif().toBuffer(), "picture_unreadable", /by its first bytes/],
    ["packed SVG", async () => gzipSync(svg("")), "picture_unreadable", /by its first bytes/],
    ["a ZIP's insides", async () => deflateRawSync("x"), "picture_unreadable", /by its first bytes/],
    [
      "a PNG that is cut off",
      async () => half(await picture(900, 700, "png")),
      "picture_unreadable",
      /IDAT that begins at byte \d+ goes on to byte \d+, and it ends at byte \d+/,
    ],
    [
      "a PNG without its end",
      async () => (await picture(9, 9, "png")).subarray(0, -12),
      "picture_unreadable",
      /ends at byte \d+, where another chunk should begin/,
    ],
    ["a PNG with a damaged chunk", async () => damaged(await picture(900, 700, "png")), "picture_unreadable", /png/i],
    [
      "a JPEG that is cut off",
      async () => half(await picture(900, 700, "jpeg")),
      "picture_unreadable",
      /ends at byte \d+ without the mark of a JPEG's end/,
    ],
    [
      "a JPEG that ends in its middle",
      async () => Buffer.concat([half(await picture(900, 700, "jpeg")), Buffer.from("ffd9", "hex")]),
      "picture_unreadable",
      /premature end.*ends at byte \d+/i,
    ],
    [
      "a WebP that is cut off",
      async () => half(await picture(900, 700, "webp")),
      "picture_unreadable",
      /tells of \d+ bytes, and it ends at byte \d+/,
    ],
    [
      "a TIFF that is cut off",
      async () => half(await picture(900, 700, "tiff")),
      "picture_unreadable",
      /directory is at byte \d+, and it ends at byte \d+/,
    ],
    ["an SVG that is cut off", async () => svg("<g>").slice(0, -9), "picture_unreadable", /line 1 column \d+/],
    ["an SVG without size", async () => svg("", ""), "picture_unreadable", /dimensions/],
    ["billion laughs", async () => BILLION_LAUGHS, "picture_unreadable", /entity amplification|Maximum entity/],
    [
      "a header of more pixels than are allowed",
      () => headerOf(100_000, 100_000),
      "picture_too_large",
      /100000 × 100000 pixels, and at most 300000000/,
    ],
    [
      "an SVG of more pixels than are allowed",
      async () => svg("", 'width="99999" height="99999"'),
      "picture_too_large",
      /99999 × 99999/,
    ],
    [
      "a PNG that unpacks a thousandfold",
      () => plain(5_000).png({ compressionLevel: 9 }).toBuffer(),
      "picture_too_large",
      /unpack to (9\d\d|10\d\d) times as many/,
    ],
    [
      "a few bytes of WebP that unpack to 75 MB",
      () => plain(5_000).webp({ lossless: true, effort: 0 }).toBuffer(),
      "picture_too_large",
      /^The picture is too large: \d\d bytes unpack/,
    ],
  ];

  test.each(table)("%s", async (_, make, code, told) => {
    const bytes = await make();
    const began = performance.now();
    const refused = await refusal(bytes);
    expect(refused).toMatchObject({ code });
    expect(refused.message).toMatch(told);
    expect(refused.action).not.toBe("");
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  /** One byte in the middle of the picture's data is another. */
  function damaged(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 255;
    return copy;
  }

  test("more tiles than are cut at a time", async () => {
    const many = svg("", 'width="16000" height="16000"');
    const cutting = room.cut(many, { tile_size: 16 }, nothing);
    await expect(cutting).rejects.toThrow(/call for 1333\d\d\d tiles of 16, and at most 500000 are cut/);
  });
});

describe("killed at its limit", () => {
  const SLOW = svg(
    '<filter id="f"><feTurbulence numOctaves="99"/><feMorphology radius="99"/></filter><rect width="9999" height="9999" filter="url(#f)"/>',
    'width="9999" height="9999"',
  ).replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "");

  test("an SVG of 237 bytes that would run for most of a minute", async () => {
    expect(SLOW.length).toBeLessThanOrEqual(237);
    const began = performance.now();
    const refused = await refusal(SLOW, { seconds: 3 });
    const took = performance.now() - began;
    expect(refused).toMatchObject({ code: "picture_timeout", facts: { seconds: 3, doing: "cut" } });
    expect(took).toBeLessThan(5_000 + 1_000); // its measuring comes before
    expect(await childrenOf(process.pid, "picture-child")).toEqual([]);
  });

  test("one that is aborted, within two seconds", async () => {
    const cancelling = new AbortController();
    const cutting = refusal(SLOW, { signal: cancelling.signal }).catch((error: Error) => error.message);
    await childAtWork();
    const began = performance.now();
    cancelling.abort(new Error("cancelled by somebody"));
    expect(await cutting).toMatch(/cancelled by somebody/);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await childrenOf(process.pid, "picture-child")).toEqual([]);
  });

  test("one that takes more memory than it may", async () => {
    // Of an interlaced PNG every pixel has to be there before the first can be seen.
    const held = await plain(6_000).png({ progressive: true, compressionLevel: 0 }).toBuffer();
    const refused = await refusal(held, { memory_mb: 130 });
    expect(refused).toMatchObject({ code: "picture_memory", facts: { limit: 130 } });
  }, 60_000);

  /** Resolves when a child has been working for a while. */
  async function childAtWork(): Promise<void> {
    for (let seen = 0; seen < 20;) {
      seen += (await childrenOf(process.pid, "picture-child")).length;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

describe("what an SVG refers to is never fetched, and its scripts never run", () => {
  let server: Server;
  let asked: string[];
  let url: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end(svg('<rect width="100" height="100" fill="#f00"/>'));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    asked = [];
  });

  /** Everything that it shows is red, unless it shows nothing: then it is white. */
  const tries: [string, () => Promise<string>][] = [
    ["a picture by HTTP", async () => svg(`<image width="100" height="100" href="${url}/a.svg"/>`)],
    ["a picture by HTTP, the old way", async () => svg(`<image width="100" height="100" xlink:href="${url}/a.svg"/>`)],
    ["a file", async () => svg(`<image width="100" height="100" href="file://${await red()}"/>`)],
    [
      "a file by its way from here",
      async () => svg(`<image width="100" height="100" href="../../${(await red()).split("/").at(-1)}"/>`),
    ],
    ["a shape of another file", async () => svg(`<use href="file://${await red()}#r"/>`)],
    [
      "a style sheet",
      async () => `<?xml-stylesheet href="${url}/a.css"?>${svg(`<style>@import url("${url}/b.css");</style>`)}`,
    ],
    ["an inclusion", async () => svg(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${url}/a.svg"/>`)],
    [
      "a script",
      async () =>
        svg(`<script>document.documentElement.innerHTML = "&lt;rect width='100' height='100' fill='red'/>"</script>`),
    ],
    [
      "a page in it",
      async () =>
        svg(
          `<foreignObject width="100" height="100"><iframe xmlns="http://www.w3.org/1999/xhtml" src="${url}/a"/></foreignObject>`,
        ),
    ],
  ];

  async function red(): Promise<string> {
    const path = join(room.settings({}).scratch, "..", `red-${process.pid}.svg`);
    await writeFile(path, svg('<rect id="r" width="100" height="100" fill="#f00"/>'));
    return path;
  }

  test.each(tries)("%s", async (_, make) => {
    const seen = await room.cut(await make(), { format: "jpeg" }, async ({ folder }) => {
      const tile = await readFile(join(folder, "7", "0_0.jpeg"));
      return [...(await sharp(tile).extract({ left: 50, top: 50, width: 1, height: 1 }).raw().toBuffer())];
    });
    expect(seen).toEqual([255, 255, 255]);
    expect(asked).toEqual([]);
  });

  test("an entity that is a file has nothing in it", async () => {
    const text = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${svg('<text y="50" font-size="90">&x;</text>')}`;
    const seen = await room
      .cut(
        text,
        { format: "jpeg" },
        async ({ folder }) => (await sharp(join(folder, "7", "0_0.jpeg")).stats()).isOpaque,
      )
      .catch((error: unknown) => error);
    if (seen !== true) expect(seen).toMatchObject({ code: "picture_unreadable" });
  });
});
