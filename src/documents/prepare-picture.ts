/** Pictures as every format takes them: PNG or JPEG, upright, no larger than paper can show. */
import { writeFile } from "node:fs/promises";
import QRCode from "qrcode";
import sharp, { type OverlayOptions, type Sharp } from "sharp";
import { reasonOf } from "../errors.ts";
import { invalid } from "./check-specification.ts";
import type { ResolvedPicture } from "./resolved-document.ts";

/** A picture to be made: of a file that somebody brought, of a map's tiles with its overlays above them, or a QR code. */
export interface RawPicture extends Pick<ResolvedPicture, "caption" | "width"> {
  type: "raw_picture";
  source:
    | { kind: "file"; file: string; /** JSON pointer, for what is wrong with it. */ path: string }
    | { kind: "qr_code"; text: string; /** The same. */ path: string }
    | { kind: "map"; width: number; height: number; tiles: { file: string; left: number; top: number }[]; svg: string };
}

/** Pixels along the longer side: 240 mm at 250 dpi. */
const MAX_SIDE = 2_400;
/** Pixels that a file may unfold to: a PNG of a few KB can hold a billion. */
const MAX_PIXELS = 100_000_000;
/** What is decoded; SVG is not: it can ask for other files, and for minutes. */
const FORMATS = ["png", "jpeg", "webp", "gif", "tiff", "heif"];
/** The loaders of these may see a file, and of bytes those of what we make ourselves: libvips would try others too. */
const LOADERS = [
  ...["Png", "Jpeg", "Webp", "Nsgif", "Tiff", "Heif"].map((format) => `VipsForeignLoad${format}File`),
  ...["Png", "Svg"].map((format) => `VipsForeignLoad${format}Buffer`),
];
/** Of a QR code, whose text is up to 1,000 characters. */
const QR = { errorCorrectionLevel: "M", margin: 2, scale: 10 } as const;

/** `stem`: path of what is written, without its ending. Error: specification_invalid. */
export async function preparePicture(
  raw: RawPicture,
  stem: string,
  leaveOut: (what: string) => void,
): Promise<ResolvedPicture> {
  const { source, type: _, ...about } = raw;
  if (source.kind === "qr_code") return { ...about, ...(await drawCode(source, stem)) };
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: LOADERS });
  const image = source.kind === "file" ? await fileImage(source) : await mapImage(source, leaveOut);
  const { isOpaque } = await image.clone().stats();
  const media = isOpaque && !(source.kind === "map" && source.tiles.length === 0) ? "jpeg" : "png";
  const encoded = media === "jpeg" ? image.jpeg({ quality: 88 }) : image.png();
  const { data, info } = await encoded.toBuffer({ resolveWithObject: true });
  const file = `${stem}.${media}`;
  await writeFile(file, data);
  return { ...about, type: "picture", file, media, width_px: info.width, height_px: info.height };
}

async function drawCode({ text, path }: { text: string; path: string }, stem: string): Promise<ResolvedPicture> {
  const data = await QRCode.toBuffer(text, QR).catch((error: unknown) => {
    throw invalid([{ code: "qr_code_invalid", path, message: `It cannot be a QR code: ${reasonOf(error)}` }]);
  });
  const file = `${stem}.png`;
  await writeFile(file, data);
  // Width and height of a PNG: big-endian, in its first chunk.
  return { type: "picture", file, media: "png", width_px: data.readUInt32BE(16), height_px: data.readUInt32BE(20) };
}

async function fileImage({ file, path }: { file: string; path: string }): Promise<Sharp> {
  try {
    const { format } = await sharp(file, { limitInputPixels: MAX_PIXELS }).metadata();
    if (!FORMATS.includes(format)) throw new Error(`it is ${format}`);
    const box = { width: MAX_SIDE, height: MAX_SIDE, fit: "inside", withoutEnlargement: true } as const;
    const { data } = await sharp(file, { limitInputPixels: MAX_PIXELS, failOn: "error" })
      .autoOrient()
      .resize(box)
      .png()
      .toBuffer({ resolveWithObject: true });
    return sharp(data);
  } catch (error) {
    const message = `The artifact cannot be read as a picture: ${reasonOf(error).replaceAll("\n", " ")}; it should be PNG, JPEG, WebP, GIF, TIFF or AVIF`;
    throw invalid([{ code: "picture_invalid", path, message }]);
  }
}

async function mapImage(
  { width, height, tiles, svg }: Extract<RawPicture["source"], { kind: "map" }>,
  leaveOut: (what: string) => void,
): Promise<Sharp> {
  const layers: OverlayOptions[] = [];
  let damaged = 0;
  for (const { file, left, top } of tiles) {
    try {
      const input = await sharp(file, { failOn: "error" }).png({ compressionLevel: 0 }).toBuffer();
      layers.push({ input, left, top });
    } catch {
      damaged += 1;
    }
  }
  if (damaged > 0) leaveOut(`${damaged} of ${tiles.length} tiles of the map view, which cannot be read`);
  const paper = { width, height, channels: 3, background: "#f4f3ee" } as const;
  const ground = await sharp({ create: paper }).composite(layers).png({ compressionLevel: 0 }).toBuffer();
  const composed = await sharp(ground)
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ compressionLevel: 1 })
    .toBuffer();
  return sharp(composed);
}
