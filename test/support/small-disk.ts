/**
 * A disk of its own that a test may fill up or make read-only: a tmpfs in a mount namespace of a shell, reached from outside through
 * `/proc/<pid>/root`. It is gone with the shell, and the shell with us, however we end.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface SmallDisk {
  folder: string;
  /** Takes up all that is free: not one more byte, or not one more file, can be written. */
  fill(what: "bytes" | "inodes"): Promise<void>;
  /** Gives back what `fill` took. */
  makeRoom(): Promise<void>;
  setReadOnly(readOnly: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Null where mounting is not allowed, which is said on the terminal: in most containers it is not. */
export async function createSmallDisk(size: { megabytes: number; inodes: number }): Promise<SmallDisk | null> {
  const place = await mkdtemp(join(tmpdir(), "platen-disk-"));
  const namespaces = process.getuid?.() === 0 ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
  const shell = spawn("unshare", [...namespaces, "sh"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(shell, "close").catch(() => undefined);
  const answers = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
  shell.stdin.on("error", () => undefined);
  const run = async (command: string): Promise<boolean> => {
    shell.stdin.write(`${command} && echo done || echo failed\n`);
    return (await answers.next()).value === "done";
  };
  const close = async (): Promise<void> => {
    shell.stdin.end();
    await ended;
    await rm(place, { recursive: true });
  };
  if (!(await run(`mount -t tmpfs -o size=${size.megabytes}m,nr_inodes=${size.inodes} tmpfs ${place}`))) {
    console.warn(
      "Tests of full disks are skipped: this process may not mount. Run them as root, or allow user namespaces.",
    );
    await close();
    return null;
  }
  const folder = `/proc/${shell.pid}/root${place}`;
  const filler = join(folder, "filler");
  return {
    folder,
    async fill(what) {
      await mkdir(filler);
      await untilFull(what === "bytes" ? () => fillBytes(join(filler, "bytes")) : () => fillInodes(filler));
    },
    makeRoom: () => rm(filler, { recursive: true }),
    async setReadOnly(readOnly) {
      if (!(await run(`mount -o remount,${readOnly ? "ro" : "rw"} ${place}`))) throw new Error("the remount failed");
    },
    close,
  };
}

async function untilFull(write: () => Promise<never>): Promise<void> {
  await write().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOSPC") throw error;
  });
}

async function fillBytes(path: string): Promise<never> {
  const file = await open(path, "w");
  try {
    // Large pieces as long as they fit: a disk of some hundred megabytes is full in a moment.
    for (const size of [1_048_576, 4_096])
      for (let fits = true; fits;) fits = (await file.write(Buffer.alloc(size)).catch(enough)).bytesWritten === size;
    for (;;) await file.write(Buffer.alloc(1));
  } finally {
    await file.close();
  }
}

function enough(error: NodeJS.ErrnoException): { bytesWritten: number } {
  if (error.code !== "ENOSPC") throw error;
  return { bytesWritten: 0 };
}

async function fillInodes(folder: string): Promise<never> {
  for (let number = 0; ; number++) await writeFile(join(folder, String(number)), "");
}
