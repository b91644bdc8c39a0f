/** Folders that are thrown away: each belongs to a process, and what a killed one left is removed by the next that starts. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { identify } from "../../process-identity.ts";

/** Of another machine that shares the folder nobody here can say whether it lives; no job of ours works this long without writing. */
const ABANDONED_MS = 24 * 3_600_000;

const short = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);
const host = short(hostname());

/** Runs `work` with a new, empty folder in `root`; it is gone afterwards. */
export async function inScratch<T>(root: string, work: (folder: string) => Promise<T>): Promise<T> {
  const owner = `${host}.${process.pid}.${short((await identify(process.pid)) ?? "")}`;
  const folder = join(root, `${owner}.${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Removes the folders of processes that are gone. Answers how many. */
export async function sweepScratch(root: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(root).catch(() => [] as string[])) {
    if (!(await isAbandoned(root, name))) continue;
    await rm(join(root, name), { recursive: true, force: true, maxRetries: 5 });
    removed += 1;
  }
  return removed;
}

async function isAbandoned(root: string, name: string): Promise<boolean> {
  const [machine, pid, identity, id] = name.split(".");
  if (!id) return false;
  if (machine === host) return short((await identify(Number(pid))) ?? "gone") !== identity;
  const found = await stat(join(root, name)).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > ABANDONED_MS;
}
