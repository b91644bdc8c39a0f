/** What code this is, told in twelve digits. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** All that a worker runs, and which packages; the same text has the same digest in a checkout and in an image. */
const CODE = ["{contract,workflows,activities,src}/**/*.ts", "package-lock.json"];

/** 12 digits of the SHA-256 of the code below a folder: each file's path and bytes, in the order of their paths. */
export function digestOf(root: string): string {
  const hash = createHash("sha256");
  const paths = CODE.flatMap((pattern) => globSync(pattern, { cwd: root })).map((path) => path.replaceAll("\\", "/"));
  for (const path of paths.toSorted()) {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex").slice(0, 12);
}
