/** What a worker calls its build in Temporal: pollers, histories and the list of workers show it. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../config.ts";

/** Temporal's name for all workers of Platen's together. */
export const DEPLOYMENT = "platen";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** All that a worker runs, and which packages; the same text has the same digest in a checkout and in an image. */
const CODE = ["{contract,workflows,activities,src}/**/*.ts", "package-lock.json"];
let digest: string | undefined;

/** PLATEN_BUILD_ID, else `0.2.0-3fa9c1d2e4b5`: the version, and 12 digits of the code's SHA-256. */
export function buildId({ PLATEN_BUILD_ID }: Pick<Config, "PLATEN_BUILD_ID">): string {
  return PLATEN_BUILD_ID ?? `${version()}-${(digest ??= digestOf(ROOT))}`;
}

function version(): string {
  return (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
}

/** Of the code below a folder: each file's path and bytes, in the order of their paths. */
export function digestOf(root: string): string {
  const hash = createHash("sha256");
  const paths = CODE.flatMap((pattern) => globSync(pattern, { cwd: root })).map((path) => path.replaceAll("\\", "/"));
  for (const path of paths.toSorted()) {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex").slice(0, 12);
}
