/** Office files are ZIP archives, whose entries hold the time at which they were packed: set to the document's, equal content is equal bytes. */
import { open } from "node:fs/promises";

const END_MARK = 0x06054b50;
const ENTRY_MARK = 0x02014b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;

/** In place. Archives beyond 4 GB, whose directory is elsewhere, stay as they are. */
export async function dateZip(file: string, at: string): Promise<void> {
  const stamp = dosTime(new Date(at));
  const handle = await open(file, "r+");
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, END_BYTES + 65_535));
    await handle.read(tail, 0, tail.length, size - tail.length);
    let end = tail.length - END_BYTES;
    while (end >= 0 && tail.readUInt32LE(end) !== END_MARK) end -= 1;
    if (end < 0 || tail.readUInt32LE(end + 16) === 0xffffffff) return;
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    const start = tail.readUInt32LE(end + 16);
    await handle.read(directory, 0, directory.length, start);
    for (let at = 0; at + ENTRY_BYTES <= directory.length && directory.readUInt32LE(at) === ENTRY_MARK;) {
      stamp.copy(directory, at + 12);
      await handle.write(stamp, 0, stamp.length, directory.readUInt32LE(at + 42) + 10);
      at +=
        ENTRY_BYTES +
        directory.readUInt16LE(at + 28) +
        directory.readUInt16LE(at + 30) +
        directory.readUInt16LE(at + 32);
    }
    await handle.write(directory, 0, directory.length, start);
  } finally {
    await handle.close();
  }
}

/** Time and date, 16 bits each, to two seconds. */
function dosTime(at: Date): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE((at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1), 0);
  bytes.writeUInt16LE(((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(), 2);
  return bytes;
}
