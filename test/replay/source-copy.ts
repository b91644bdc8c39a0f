/** A copy of the source tree, as a clone on another machine: to be changed, and to be run from. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../rules/source-files.ts";

export interface SourceCopy {
  folder: string;
  path(file: string): string;
  /** Replaces one text in one file. Error: it is not there exactly once. */
  change(file: string, from: string, to: string): Promise<void>;
  close(): Promise<void>;
}

export async function copySource(): Promise<SourceCopy> {
  const folder = await mkdtemp(join(tmpdir(), "platen-clone-"));
  const path = (file: string): string => join(folder, file);
  for (const part of ["contract", "workflows", "activities", "src", "package.json", "package-lock.json"])
    await cp(join(ROOT, part), path(part), { recursive: true });
  await symlink(join(ROOT, "node_modules"), path("node_modules"));
  return {
    folder,
    path,
    async change(file, from, to) {
      const text = await readFile(path(file), "utf8");
      if (text.split(from).length !== 2) throw new Error(`${file} does not hold this exactly once: ${from}`);
      await writeFile(
        path(file),
        text.replace(from, () => to),
      );
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
