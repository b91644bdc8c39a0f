/** A public store that takes everything but one project's pointer. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Puts a plain file where the pointer's folder belongs: permissions would not stop a test that runs as root. */
export async function breakPointer(
  storeFolder: string,
  environment: string,
  project: string,
): Promise<{ mend(): Promise<void> }> {
  const path = join(storeFolder, "public", environment, project);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, "");
  return { mend: () => rm(path) };
}
