/** Tiles and descriptors that no pyramid can have: refused with the tile's name and the reason, and nothing changes. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { json } from "node:stream/consumers";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createLog } from "../../src/log.ts";
import { printDescriptor } from "../../src/tiles/descriptor.ts";
import { expectedTiles, type Descriptor } from "../../src/tiles/dzi.ts";
import { heldBack, stateOf } from "../support/state-of.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

const PYRAMID: Descriptor = { width: 40, height: 30, tile_size: 32, overlap: 1, format: "png" };
const DRAFT = "/projects/spoilt/versions/1";

let room: GatewayRoom;
let before: Record<string, string>;
let logged = "";

const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
const draw = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "#3a6", noise } });

/** What a refusal says. */
interface Refusal {
  code: string;
  detail: string;
  action: string;
  facts: Record<string, unknown>;
}

/** Answers the body as if it were a refusal. */
async function put(path: string, body: Uint8Array, type: string): Promise<Refusal> {
  // Sent as it is: fetch would resolve `..` by itself.
  const sent = request(`${room.url}`, {
    path: DRAFT + path,
    method: "PUT",
    headers: { Authorization: `Bearer ${room.keys.admin}`, "Content-Type": type, "Content-Length": body.length },
  });
  sent.end(body);
  const [answer] = await once(sent, "response");
  return (await json(answer)) as Refusal;
}
const putTile = (key: string, body: Uint8Array) => put(`/tiles/${key}`, body, "image/png");

beforeAll(async () => {
  const log = createLog("test", "error", { write: (part) => void (logged += part) });
  room = await startGatewayRoom({ log });
  await room.call("POST", "/projects", { body: { slug: "spoilt", name: "Spoilt" } });
  await room.call("POST", "/projects/spoilt/versions", { body: {} });
  await put("/tiles.dzi", Buffer.from(printDescriptor(PYRAMID)), "application/xml");
  for (const { key, width, height } of expectedTiles(PYRAMID))
    expect(await putTile(key, await draw(width, height).png().toBuffer())).toMatchObject({ changed: true });
  before = await stateOf(room.database, room.storeFolder);
});
afterAll(() => room?.close());
afterEach(async () => {
  expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
  expect(await heldBack(room.database, room.storeFolder)).toEqual([]);
  expect(logged).toBe("");
});

/** A PNG by its parts; `data` is what its pixels are unpacked from. */
function png(width: number, height: number, data: Buffer): Buffer {
  const chunk = (name: string, body: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(name), body]);
    const whole = Buffer.concat([Buffer.alloc(4), named, Buffer.alloc(4)]);
    whole.writeUInt32BE(body.length);
    whole.writeUInt32BE(crc32(named), whole.length - 4);
    return whole;
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

describe("a tile", () => {
  // 33 × 30 pixels: a column of 32 and its overlap.
  const KEY = "6/0_0.png";
  const whole = () => draw(33, 30).png().toBuffer();
  const twoFrames = () =>
    sharp(randomBytes(33 * 60 * 3), { raw: { width: 33, height: 60, channels: 3, pageHeight: 30 } });

  it.each([
    ["that is an HTML page", async () => Buffer.from("<!doctype html><title>502</title>"), /no JPEG, PNG or WebP/],
    ["that is nothing", async () => Buffer.alloc(0), /it is empty/],
    ["that is a signature alone", async () => Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), /header cannot be read/],
    ["that is a JPEG", () => draw(33, 30).jpeg().toBuffer(), /it is image\/jpeg, not image\/png/],
    ["that is a WebP", () => draw(33, 30).webp().toBuffer(), /it is image\/webp, not image\/png/],
    ["that is a GIF", () => draw(33, 30).gif().toBuffer(), /no JPEG, PNG or WebP/],
    ["that is a TIFF", () => draw(33, 30).tiff().toBuffer(), /no JPEG, PNG or WebP/],
    ["that is animated", () => twoFrames().webp().toBuffer(), /animated/],
    [
      "that ends in its middle",
      async () => (await whole()).subarray(0, 900),
      /pixels cannot be read to the end|cut off/,
    ],
    ["that lacks its last bytes", async () => (await whole()).subarray(0, -8), /cut off: its end is missing/],
    ["with a flipped bit", async () => flipped(await whole()), /pixels cannot be read to the end/],
    ["without its overlap", () => draw(32, 30).png().toBuffer(), /32 × 30 pixels, not 33 × 30/],
    ["with too much overlap", () => draw(34, 30).png().toBuffer(), /34 × 30 pixels, not 33 × 30/],
    ["of one pixel", () => draw(1, 1).png().toBuffer(), /1 × 1 pixels, not 33 × 30/],
    [
      "that unpacks to a gigabyte",
      async () => png(20_000, 20_000, deflateSync(Buffer.alloc(50_000_000))),
      /20000 × 20000/,
    ],
    [
      "of a thousand columns a row",
      async () => png(30_000, 30, deflateSync(Buffer.alloc(2_700_030))),
      /30000 × 30 pixels/,
    ],
    [
      "larger than any picture",
      async () => png(2 ** 31 - 1, 2 ** 31 - 1, deflateSync(Buffer.alloc(9))),
      /header|pixels/,
    ],
    ["without pixels", async () => png(33, 30, deflateSync(Buffer.alloc(0))), /pixels cannot be read/],
    ["with pixels that are no zlib", async () => png(33, 30, Buffer.from("no zlib at all")), /pixels cannot be read/],
  ] as const)("%s is rejected", async (_, make, reason) => {
    const problem = await putTile(KEY, await make());
    expect(problem).toMatchObject({ status: 400, code: "tile_rejected", facts: { key: KEY } });
    expect(problem.detail).toMatch(reason);
    expect(problem.detail).toContain(`The tile ${KEY} was rejected: `);
    expect(problem.detail.endsWith(problem.action)).toBe(true);
  });

  function flipped(bytes: Buffer): Buffer {
    bytes[bytes.length >> 1]! ^= 4;
    return bytes;
  }

  const NAMES = [
    ...["../tiles.dzi", "../../../../etc/passwd", "%2e%2e/0_0.png", "..%2f..%2f0/0_0.png", "0/..%2f0%2f0_0.png"],
    ...["0/%2Fetc%2Fpasswd", "%2F0/0_0.png", "C:%5C0/0_0.png", "0/..%5C0_0.png", "0%5C0_0.png/0_0.png"],
    ...["0/0_0.png%00.jpg", "0/0_0%0a.png", "0/%1b%5B31m.png", "0/%E2%80%AE0_0.png", "0/0_0.png%20", "0/%200_0.png"],
    ...[`0/${"0".repeat(300)}_0.png`, `${"0".repeat(300)}/0_0.png`, "0/0_0.png%2Fy", "0%2F0_0.png/y", "0/x", "x/y"],
    ...["0/0_0.PNG", "0/0_0.jpg", "0/0_0.png.png", "0/0_0", "0/.png", "0/0-0.png", "0/0_0_0.png", "0/_.png"],
    ...["00/0_0.png", "0/00_0.png", "0/-1_0.png", "0/+1_0.png", "0/0x0_0.png", "0/1e0_0.png", "0/%D9%A0_0.png"],
    ...["0/1_0.png", "0/0_1.png", "6/2_0.png", "6/0_1.png", "7/0_0.png", "99/0_0.png", "6/99999999999_0.png"],
  ];

  it("is rejected by a name that the pyramid does not call for", async () => {
    const image = await draw(1, 1).png().toBuffer();
    for (const name of NAMES) {
      const problem = await putTile(name, image);
      expect(["tile_rejected", "not_found"], name).toContain(problem.code);
      if (problem.code === "not_found") continue;
      expect(problem.detail).toMatch(/a pyramid of 40 × 30 pixels in png tiles of 32 has no such tile/);
      expect(problem.facts.key).toBe(decodeURIComponent(name));
    }
  });

  it("that is bad does not keep good ones waiting, however many come at once", async () => {
    const bomb = png(20_000, 20_000, deflateSync(Buffer.alloc(10_000_000)));
    const bad = Array.from({ length: 40 }, () => putTile(KEY, bomb));
    expect((await room.call("GET", `${DRAFT}/tiles`)).body).toMatchObject({ complete: true });
    const codes = (await Promise.all(bad)).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set(["tile_rejected"]));
  });
});

describe("a descriptor", () => {
  const NAMESPACE = `xmlns="http://schemas.microsoft.com/deepzoom/2008"`;
  const text = printDescriptor(PYRAMID);
  const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join("");

  it.each([
    [
      "with a billion laughs",
      `<!DOCTYPE Image [<!ENTITY l0 "lol">${laughs}]><Image>&l9;</Image>`,
      /DOCTYPE is not allowed/,
    ],
    ["that reads a file", `<!DOCTYPE a SYSTEM "file:///etc/passwd">${text}`, /DOCTYPE is not allowed/],
    ["with an entity of its own", text.replace("<Size", "&mine;<Size"), /entity/],
    ["in another namespace", text.replace("2008", "2010"), /namespace/],
    ["in no namespace", text.replace(/ xmlns="[^"]*"/, ""), /namespace/],
    ["that is an HTML page", "<html><body>502</body></html>", /root is <html>/],
    ["that is JSON", '{"Image": {}}', /text|root/i],
    ["that breaks off", text.slice(0, 120), /unclosed|end/],
    ["in UTF-16", Buffer.from(`\uFEFF${text}`, "utf16le"), /not UTF-8/],
    ["without a Size", `<Image ${NAMESPACE} Format="png" Overlap="0" TileSize="256"/>`, /0 <Size> elements/],
    ["without a Format", text.replace(/Format="\w+"/, ""), /no Format/],
    ["without a TileSize", text.replace(/TileSize="\d+"/, ""), /no TileSize/],
    ["without a Width", text.replace(/Width="\d+"/, ""), /no Width/],
    ["of no width", text.replace('Width="40"', 'Width="0"'), /Width is "0"; it must be .* from 1 to 2147483647/],
    ["of a width below zero", text.replace('Width="40"', 'Width="-40"'), /Width is "-40"/],
    ["of half a pixel", text.replace('Width="40"', 'Width="40.5"'), /Width is "40.5"/],
    ["of a width beyond all", text.replace('Width="40"', 'Width="99999999999"'), /Width is "99999999999"/],
    [
      "of too many tiles",
      text.replace('"40"', '"2147483647"').replace('"30"', '"2147483647"'),
      /calls for \d+ tiles; at most/,
    ],
    [
      "with an overlap as large as a tile",
      text.replace('Overlap="1"', 'Overlap="32"'),
      /Overlap is "32"; .* from 0 to 16/,
    ],
    ["of no tile size", text.replace('TileSize="32"', 'TileSize="0"'), /TileSize is "0"/],
    [
      "of GIFs",
      text.replace('Format="png"', 'Format="gif"'),
      /Format is "gif"; it must be one of jpg, jpeg, png, webp/,
    ],
    ["nested without end", text.replace("<Size", "<a>".repeat(20_000)), /unclosed|unexpected|end/i],
  ])("%s is refused, and the tiles stay", async (_, body, reason) => {
    const problem = await put("/tiles.dzi", Buffer.from(body as string), "application/xml");
    expect(problem).toMatchObject({ status: 400, code: "descriptor_invalid", detail: expect.stringMatching(reason) });
  });
});

it("tiles that a new descriptor disagrees with are told one by one before a publish", async () => {
  const twin = "/projects/spoilt/versions";
  const { body: copy } = await room.call("POST", twin, { body: { copy_from: 1 } });
  const path = `${twin}/${copy.version}`;
  const wider = printDescriptor({ ...PYRAMID, width: 41 });
  const put = await room.call("PUT", `${path}/tiles.dzi`, { body: wider, headers: { "Content-Type": "text/xml" } });
  expect(put.body).toMatchObject({ dropped: 4, expected: 8 });
  const { body } = await room.call("GET", `${path}/publish/validate`);
  const missing = body.errors.filter(({ code }: { code: string }) => code === "tile_missing");
  expect(missing.map((each: { path: string }) => each.path)).toEqual([
    "/tiles/3/0_0.png",
    "/tiles/4/0_0.png",
    "/tiles/5/0_0.png",
    "/tiles/6/1_0.png",
  ]);
  before = await stateOf(room.database, room.storeFolder);
});
