/** Are all the pixels of a tile there? Read once, thrown away; see docs/decisions/0004-whole-tiles.md. */
import pLimit from "p-limit";
import sharp from "sharp";
import { oneLine, rejectedTile, type TileImage } from "./inspect-tile.ts";

/** Where each format ends. The decoder is content without it once it has every pixel; WebP tells its length at the beginning. */
const END_MARKS: Partial<Record<TileImage["media_type"], Buffer>> = {
  "image/jpeg": Buffer.from([0xff, 0xd9]),
  "image/png": Buffer.from("IEND\xae\x42\x60\x82", "latin1"),
};

/** Beyond it a tile is decoded alone: 8192² pixels of WebP, which libvips reads as a whole, take 540 MB. */
const LARGE_PIXELS = 4_194_304;
/** libvips works in the threads that files are read and written by, four by default: half of them stay theirs. */
const ordinary = pLimit(2);
const large = pLimit(1);

/**
 * Decodes what `inspectTile` has found, whose size must have been checked: it bounds the work. A file that is cut off, or whose
 * checksums or codes do not hold, is rejected; bytes behind its end are not. Error: `tile_rejected`.
 */
export async function decodeTile(key: string, bytes: Buffer, image: TileImage): Promise<void> {
  const { media_type, width, height } = image;
  const mark = END_MARKS[media_type];
  if (mark && !bytes.includes(mark)) throw rejectedTile(key, "it is cut off: its end is missing");
  const limit = width * height > LARGE_PIXELS ? large : ordinary;
  // Lines are read in their order and not kept, so asking for the last one decodes them all. "error", not "warning": browsers show
  // what libpng merely warns of, such as an odd colour profile.
  const last = { left: 0, top: height - 1, width, height: 1 };
  await limit(() =>
    sharp(bytes, { failOn: "error", sequentialRead: true, limitInputPixels: width * height })
      .extract(last)
      .raw()
      .toBuffer(),
  ).catch((error: unknown) => {
    throw rejectedTile(key, `its pixels cannot be read to the end (${oneLine(error)})`, error);
  });
}
