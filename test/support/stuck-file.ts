/** Files that keep a worker where it is: one that whoever opens it waits for, and one that a worker made for it waits for. */
import { execFile } from "node:child_process";
import { link, open, rename, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
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

/** Lets a `HELD_WORKER` wait with this tile, and with those it would copy in the same call: it is busy, and can be interrupted. */
export async function holdBack(path: string): Promise<Pick<StuckFile, "restore">> {
  await writeFile(`${path}.held`, "");
  return { restore: () => rm(`${path}.held`) };
}

/** Entry of a worker that can be held back. */
export const HELD_WORKER = fileURLToPath(new URL("held-worker.ts", import.meta.url));
