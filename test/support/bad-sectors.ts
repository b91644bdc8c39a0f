/** A disk that cannot read some files: real failures are rare, and where root runs the tests permissions stop nobody. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** For `WorkerProcessOptions.preload`. */
export const BAD_SECTORS = fileURLToPath(new URL("bad-sectors-preload.ts", import.meta.url));

/** Reading any of these files fails with EIO, in workers that were started with `BAD_SECTORS`. Answers how to mend the disk. */
export async function breakSectors(storeFolder: string, paths: readonly string[]): Promise<() => Promise<void>> {
  const list = join(storeFolder, "bad-sectors");
  await writeFile(list, paths.join("\n"));
  return () => rm(list);
}
