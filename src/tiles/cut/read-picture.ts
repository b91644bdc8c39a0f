/** Measures a picture and cuts it. Runs in a process of its own only (picture-child.ts): what it is given may be made to do harm. */
import { open, stat } from "node:fs/promises";
import sharp, { type Metadata, type Sharp } from "sharp";
import { oneLine } from "../inspect-tile.ts";
import type { PictureAnswer, PictureRequest, PictureSize } from "./picture-messages.ts";
import { HEAD_BYTES, kindOf, type PictureKind } from "./picture-kind.ts";
import { missingEnd } from "./whole-file.ts";

/** Of each kind the one loader that may see it: libvips would try others too. */
const LOADERS: Record<PictureKind, string> = {
  png: "VipsForeignLoadPngFile",
  jpeg: "VipsForeignLoadJpegFile",
  webp: "VipsForeignLoadWebpFile",
  tiff: "VipsForeignLoadTiffFile",
  svg: "VipsForeignLoadSvgFile",
};

/** Pictures that unpack to less are let through, however plain they are. */
const FREE_BYTES = 64 * 1_048_576;
/** Deflate packs nothing better than 1,032:1. A plan that is almost all white comes to 300:1; beyond this there is nothing to be seen. */
const MAX_RATIO = 500;

class Refused extends Error {
  readonly answer: Exclude<PictureAnswer, { ok: unknown }>;

  constructor(failed: "unreadable" | "too_large", reason: string) {
    super(reason);
    this.answer = { failed, reason };
  }
}

/** Never rejects for what the picture is. */
export async function readPicture(request: PictureRequest): Promise<PictureAnswer> {
  sharp.cache(false);
  sharp.concurrency(request.threads);
  try {
    const { size, alpha } = await measure(request);
    if (request.cut) await cut(request, request.cut, { kind: size.kind, alpha });
    return { ok: size };
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    const reason = oneLine(error);
    return {
      failed: /no space left|disk quota/i.test(reason) ? "full" : "unreadable",
      reason: await where(request, reason),
    };
  }
}

async function measure({ picture, pixels }: PictureRequest): Promise<{ size: PictureSize; alpha: boolean }> {
  const { kind, bytes } = await identify(picture);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: [LOADERS[kind]] });
  // Only the header is read, however many pixels it tells of; of an SVG the whole text.
  const found = await sharp(picture, { limitInputPixels: false }).metadata();
  const { width, height } = found.autoOrient;
  const told = `${width} × ${height} pixels`;
  if (width * height > pixels)
    throw new Refused("too_large", `it has ${told}, and at most ${pixels} in all are allowed`);
  const ratio = unpacked(found) / bytes;
  if (kind !== "svg" && unpacked(found) > FREE_BYTES && ratio > MAX_RATIO)
    throw new Refused(
      "too_large",
      `${bytes} bytes unpack to ${Math.round(ratio)} times as many (${told}), and at most ${MAX_RATIO} times are allowed`,
    );
  return { size: { kind, width, height }, alpha: found.hasAlpha };
}

async function identify(picture: string): Promise<{ kind: PictureKind; bytes: number }> {
  const { size: bytes } = await stat(picture);
  if (bytes === 0) throw new Refused("unreadable", "it is empty");
  await using file = await open(picture, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const kind = kindOf(buffer.subarray(0, bytesRead));
  if (!kind) throw new Refused("unreadable", "by its first bytes it is no PNG, JPEG, WebP, TIFF or SVG");
  const missing = await missingEnd(file, kind, bytes);
  if (missing) throw new Refused("unreadable", missing);
  return { kind, bytes };
}

const BYTES_OF: Partial<Record<string, number>> = { ushort: 2, short: 2, uint: 4, int: 4, float: 4, double: 8 };

/** Bytes of all pixels. */
function unpacked({ width, height, channels, depth, bitsPerSample }: Metadata): number {
  const bits = bitsPerSample ?? 8 * (BYTES_OF[depth] ?? 1);
  return (width * height * channels * bits) / 8;
}

async function cut(
  { picture, pixels }: PictureRequest,
  { into, tile_size, overlap, format, quality, background, layout }: NonNullable<PictureRequest["cut"]>,
  { kind, alpha }: { kind: PictureKind; alpha: boolean },
): Promise<void> {
  const { r, g, b } = rgb(background ?? "#ffffff");
  // libjpeg calls it a warning when a picture stops in its middle and is filled up with grey; libpng warns of what does no harm.
  const failOn = kind === "jpeg" ? "warning" : "error";
  const source = sharp(picture, { failOn, sequentialRead: true, limitInputPixels: pixels }).autoOrient();
  const flat =
    alpha && (background !== null || format === "jpeg") ? source.flatten({ background: { r, g, b } }) : source;
  await encoded(flat, format, quality)
    // Blank tiles are tiles: XYZ leaves them out by default, and what is left out cannot be told from what was lost.
    .tile({ size: tile_size, overlap, layout, skipBlanks: -1, background: { r, g, b } })
    .toFile(layout === "dz" ? `${into}.dz` : into);
}

function encoded(picture: Sharp, format: string, quality: number): Sharp {
  // Codes made for each tile would save 5 % of its bytes, and cost a third of the time.
  if (format === "jpeg") return picture.jpeg({ quality, optimiseCoding: false });
  if (format === "webp") return picture.webp({ quality });
  return picture.png();
}

function rgb(hex: string): { r: number; g: number; b: number } {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return { r, g, b };
}

/** Decoders say what is wrong; where a file just ends, that is where. */
async function where({ picture }: PictureRequest, reason: string): Promise<string> {
  if (
    !/premature|truncat|unexpected end|not enough|read error|end of (file|stream)|out of range|cannot seek/i.test(
      reason,
    )
  )
    return reason;
  const { size } = await stat(picture);
  return `it is damaged or cut off (${reason}); the file ends at byte ${size}`;
}
