/** Files that keep a worker where it is: one that whoever opens it waits for, and one that whoever reads it never finishes. */
import { execFile } from "node:child_process";
import { link, open, rename, truncate, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

export interface StuckFile {
  /** Puts the real file back; who waits already goes on waiting. */
  restore(): Promise<void>;
  /** Lets go who waits: they find something that is no regular file. Needs somebody who waits, or it waits itself. */
  release(): Promise<void>;
}

/** A FIFO in its place. The swap is one rename: the path always leads to one or the other. */
export async function makeStuck(path: string): Promise<StuckFile> {
  const [fifo, real] = [`${path}.fifo`, `${path}.real`];
  await promisify(execFile)("mkfifo", [fifo]);
  await link(path, real);
  await link(fifo, `${fifo}.kept`);
  await rename(fifo, path);
  return {
    restore: () => rename(real, path),
    async release() {
      await (await open(`${fifo}.kept`, "w")).close();
    },
  };
}

/** More than any machine copies while a test runs; takes no room, for nothing of it is written. */
const ENDLESS_BYTES = 64 * 2 ** 30;

/** Zeroes without end in its place: whoever copies it is busy, and can be interrupted. */
export async function makeEndless(path: string): Promise<Pick<StuckFile, "restore">> {
  const [endless, real] = [`${path}.endless`, `${path}.real`];
  await writeFile(endless, "");
  await truncate(endless, ENDLESS_BYTES);
  await link(path, real);
  await rename(endless, path);
  return { restore: () => rename(real, path) };
}
