/** A file that whoever opens it waits for: a FIFO in its place. */
import { execFile } from "node:child_process";
import { open, rename } from "node:fs/promises";
import { promisify } from "node:util";

export interface StuckFile {
  /** Puts the real file back; who waits already goes on waiting. */
  restore(): Promise<void>;
  /** Lets go who waits: they find something that is no regular file. Needs somebody who waits, or it waits itself. */
  release(): Promise<void>;
}

/** The swap is one rename: the path always leads to one or the other. */
export async function makeStuck(path: string): Promise<StuckFile> {
  const [fifo, real] = [`${path}.fifo`, `${path}.real`];
  await promisify(execFile)("mkfifo", [fifo]);
  await promisify(execFile)("ln", [path, real]);
  await promisify(execFile)("ln", [fifo, `${fifo}.kept`]);
  await rename(fifo, path);
  return {
    restore: () => rename(real, path),
    async release() {
      await (await open(`${fifo}.kept`, "w")).close();
    },
  };
}
