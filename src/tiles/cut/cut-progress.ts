/** How many tiles libvips has written so far. It writes each level row by row, so a row that has begun tells that those above it are done. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { dziLevels, type Descriptor, type DziLevel } from "../dzi.ts";

/** Asks the file system once per level and row, whatever the pyramid's size. `folder`: `…_files`. */
export function createCutCounter(folder: string, descriptor: Descriptor): () => Promise<number> {
  const levels = dziLevels(descriptor).map((level) => ({ level, done: 0 }));
  const begun = async ({ level, done }: { level: DziLevel; done: number }): Promise<boolean> => {
    if (done + 1 >= level.rows) return false;
    const name = `0_${done + 1}.${descriptor.format}`;
    return access(join(folder, String(level.level), name)).then(
      () => true,
      () => false,
    );
  };
  return async () => {
    let tiles = 0;
    for (const each of levels) {
      while (await begun(each)) each.done += 1;
      tiles += each.done * each.level.columns;
    }
    return tiles;
  };
}
