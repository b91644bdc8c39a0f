/** One stack at a time per state folder: a file with the pid of the one that runs. */
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { identify } from "../process-identity.ts";

export interface RunLock {
  release(): Promise<void>;
}

/** Takes the lock, also from a process that was killed. Errors: another stack runs in this folder. */
export async function takeRunLock(folder: string): Promise<RunLock> {
  const file = join(folder, "lock");
  const mine = `${process.pid} ${await identify(process.pid)}`;
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, mine);
  try {
    for (;;) {
      // link() fails when the name is taken: of two that start at the same moment one wins, with the whole content.
      if (await link(draft, file).then(() => true, isTaken)) break;
      const holder = await readFile(file, "utf8").catch(() => null);
      if (holder === null) continue;
      await refuseIfRunning(holder, folder);
      // Whoever moves it away looks again: in between it may have become the lock of another that came first.
      const aside = `${file}.stale.${process.pid}`;
      await rename(file, aside).catch(() => {});
      const moved = await readFile(aside, "utf8").catch(() => holder);
      if (moved !== holder) await link(aside, file).catch(() => {});
      await rm(aside, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  return { release: () => rm(file, { force: true }) };
}

async function refuseIfRunning(holder: string, folder: string): Promise<void> {
  const [pid, ...identity] = holder.split(" ");
  if ((await identify(Number(pid))) !== identity.join(" ")) return;
  throw new Error(
    `A stack is up in ${folder} already (process ${pid}); ${join(folder, "stack.json")} has its addresses. Stop it with Ctrl-C in its terminal, or: kill ${pid}`,
  );
}

function isTaken(error: NodeJS.ErrnoException): false {
  if (error.code !== "EEXIST") throw error;
  return false;
}
