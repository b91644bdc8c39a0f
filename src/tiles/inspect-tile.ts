/** What a tile is, by its bytes; its name and its Content-Type prove nothing. */
import sharp from "sharp";
import { AppError, reasonOf } from "../errors.ts";
import { expectedTile, type Descriptor, type TileFormat } from "./dzi.ts";

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
  if (!media_type) throw rejected(key, bytes.length === 0 ? "it is empty" : "it is no JPEG, PNG or WebP image");
  const { width, height, pages } = await sharp(bytes)
    .metadata()
    .catch((error: unknown) => {
      throw rejected(key, `its header cannot be read (${reasonOf(error)})`, error);
    });
  if ((pages ?? 1) > 1) throw rejected(key, "it is animated");
  return { media_type, width, height };
}

/** Demands that the pyramid calls for `key` with just this kind and size of image. Errors: `tile_rejected`. */
export function checkTile(descriptor: Descriptor, key: string, image: TileImage): void {
  const expected = expectedTile(descriptor, key);
  if (!expected) {
    const { width, height, tile_size, format } = descriptor;
    throw rejected(key, `a pyramid of ${width} × ${height} pixels in ${format} tiles of ${tile_size} has no such tile`);
  }
  const media_type = MEDIA_TYPES[descriptor.format];
  if (image.media_type !== media_type) throw rejected(key, `it is ${image.media_type}, not ${media_type}`);
  if (image.width !== expected.width || image.height !== expected.height)
    throw rejected(key, `it has ${image.width} × ${image.height} pixels, not ${expected.width} × ${expected.height}`);
}

/** Looked at before the decoder sees the bytes: it would also open SVG, TIFF and others, which no tile may be. */
function signature(bytes: Uint8Array): TileImage["media_type"] | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString("latin1");
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (head.startsWith("RIFF") && head.endsWith("WEBP") && head.length === 12) return "image/webp";
  return null;
}

function rejected(key: string, reason: string, cause?: unknown): AppError {
  return new AppError("tile_rejected", { key, reason }, cause === undefined ? {} : { cause });
}
