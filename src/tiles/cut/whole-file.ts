/** Is a picture's file all there, as far as that can be told without decoding it? Answers where it ends, if not. */
import type { FileHandle } from "node:fs/promises";
import type { PictureKind } from "./picture-kind.ts";

/** Where cameras and phones put what is no picture: behind its end. */
const JPEG_TAIL = 1_048_576;

/** A clause for `picture_unreadable`, or null. What only a decoder can see, such as a JPEG that ends in its middle, it tells itself. */
export async function missingEnd(file: FileHandle, kind: PictureKind, size: number): Promise<string | null> {
  if (kind === "png") return missingChunk(file, size);
  if (kind === "webp") {
    const told = (await readAt(file, 4, 4)).readUInt32LE() + 8;
    return told > size ? `it is cut off: its header tells of ${told} bytes, and it ends at byte ${size}` : null;
  }
  if (kind === "jpeg") {
    const tail = await readAt(file, Math.max(0, size - JPEG_TAIL), Math.min(size, JPEG_TAIL));
    return tail.includes("\xff\xd9", 0, "latin1")
      ? null
      : `it is cut off: it ends at byte ${size} without the mark of a JPEG's end`;
  }
  if (kind === "tiff") {
    const head = await readAt(file, 0, 8);
    const big = head.includes("+");
    const at = big ? 0 : head[0] === 0x49 ? head.readUInt32LE(4) : head.readUInt32BE(4);
    return at > size ? `it is cut off: its directory is at byte ${at}, and it ends at byte ${size}` : null;
  }
  return null;
}

/** A PNG is a chain of chunks, each of which tells its length. */
async function missingChunk(file: FileHandle, size: number): Promise<string | null> {
  for (let at = 8; ;) {
    if (at + 12 > size) return `it is cut off: it ends at byte ${size}, where another chunk should begin at byte ${at}`;
    const head = await readAt(file, at, 8);
    const name = head.toString("latin1", 4);
    if (!/^[A-Za-z]{4}$/.test(name)) return `its chunk at byte ${at} has no name`;
    const end = at + 12 + head.readUInt32BE();
    if (end > size)
      return `it is cut off: the ${name} that begins at byte ${at} goes on to byte ${end}, and it ends at byte ${size}`;
    if (name === "IEND") return null;
    at = end;
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer;
}
