/** What a tile is, by its bytes; its name and its Content-Type prove nothing. */
import sharp from "sharp";
import { AppError, reasonOf } from "../errors.ts";
import { expectedTile, type Descriptor, type ExpectedTile, type TileFormat } from "./dzi.ts";

export interface TileImage {
  media_type: "image/jpeg" | "image/png" | "image/webp";
  /** Pixels. */
  width: number;
  height: number;
}

/** The media type of tiles of each format. */
export const MEDIA_TYPES: Record<TileFormat, TileImage["media_type"]> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
};

/** Reads the header of an image. `key` is for the message. Errors: `tile_rejected`. */
export async function inspectTile(key: string, bytes: Uint8Array): Promise<TileImage> {
  const media_type = signature(bytes);
  if (!media_type) throw rejectedTile(key, bytes.length === 0 ? "it is empty" : "it is no JPEG, PNG or WebP image");
  // Nothing is decoded here, however large the header says that it would be; the size is the caller's to check.
  const { width, height, pages, orientation } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw rejectedTile(key, `its header cannot be read (${oneLine(error)})`, error);
    });
  if ((pages ?? 1) > 1) throw rejectedTile(key, "it is animated");
  // A photo's own note, which `vips dzsave --no-strip` copies into every tile of it: browsers would turn each in its place.
  if ((orientation ?? 1) !== 1)
    throw rejectedTile(
      key,
      `it is to be turned when it is shown (EXIF orientation ${orientation}); turn the picture with \`vips autorot\`, then cut it again`,
    );
  return { media_type, width, height };
}

/** Demands that the pyramid calls for `key` with just this kind and size of image. Errors: `tile_rejected`. */
export function checkTile(descriptor: Descriptor, key: string, image: TileImage): void {
  const expected = requireExpected(descriptor, key);
  const media_type = MEDIA_TYPES[descriptor.format];
  if (image.media_type !== media_type) throw rejectedTile(key, `it is ${image.media_type}, not ${media_type}`);
  if (image.width !== expected.width || image.height !== expected.height)
    throw rejectedTile(
      key,
      `it has ${image.width} × ${image.height} pixels, not ${expected.width} × ${expected.height}`,
    );
}

/** What the pyramid calls for under `key`. Error: `tile_rejected`, if there is no such tile. */
export function requireExpected(descriptor: Descriptor, key: string): ExpectedTile {
  const expected = expectedTile(descriptor, key);
  if (expected) return expected;
  const { width, height, tile_size, format } = descriptor;
  const pyramid = `a pyramid of ${width} × ${height} pixels in ${format} tiles of ${tile_size}`;
  throw rejectedTile(key, `${pyramid} has no such tile; names are {level}/{column}_{row}.${format}`);
}

/** Looked at before the decoder sees the bytes: it would also open SVG, TIFF and others, which no tile may be. */
function signature(bytes: Uint8Array): TileImage["media_type"] | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString("latin1");
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (head.startsWith("RIFF") && head.endsWith("WEBP") && head.length === 12) return "image/webp";
  return null;
}

/** `tile_rejected` with its reason, a clause without its full stop. */
export function rejectedTile(key: string, reason: string, cause?: unknown): AppError {
  return new AppError("tile_rejected", { key, reason }, cause === undefined ? {} : { cause });
}

/** What libvips complains of, which may be several lines. */
export function oneLine(error: unknown): string {
  return reasonOf(error)
    .trim()
    .replaceAll(/\s*\n\s*/g, "; ");
}
