/** A draft whose tile was damaged on the disk, at its old size: validate finds it, upload finds out. */
import { readFile, writeFile } from "node:fs/promises";

/** Answers what mends it. */
export async function damageTile(path: string): Promise<() => Promise<void>> {
  const bytes = await readFile(path);
  await writeFile(path, Buffer.alloc(bytes.byteLength));
  return () => writeFile(path, bytes);
}
