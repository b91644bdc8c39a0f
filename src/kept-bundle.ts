/** Bundles are kept beside the packages, where such caches lie: building one takes two seconds, and most starts are of the same code. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { WorkflowBundleWithSourceMap } from "@temporalio/worker";
import { digestOf } from "./code-digest.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = join(ROOT, "node_modules/.cache/platen/bundles");
const KEPT_MS = 24 * 3_600_000;

type Bundle = WorkflowBundleWithSourceMap;

interface Place {
  /** Of the code. */
  root: string;
  /** Where bundles are kept. */
  folder: string;
}

/**
 * The kept bundle of that name, if it is of this very code; else what `build` makes, which is kept where the folder lets it be.
 * Errors: those of `build`.
 */
export async function keptBundle(
  name: string,
  build: () => Promise<Bundle>,
  { root, folder }: Place = { root: ROOT, folder: FOLDER },
): Promise<Bundle> {
  // A bundle names its files by their whole paths, and checkouts may share their packages.
  const place = createHash("sha256").update(root).digest("hex").slice(0, 12);
  const path = join(folder, `${name}-${digestOf(root)}-${place}.json`);
  // Not there, cut off by a full disk, not to be read: all the same.
  const found = await readFile(path, "utf8")
    .then((text) => JSON.parse(text) as Bundle)
    .catch(() => null);
  if (found) return found;
  const built = await build();
  await keep(folder, path, JSON.stringify(built)).catch(() => undefined);
  return built;
}

/** Whole or not at all, since others may read it at the same moment; and those of code that has changed since go. */
async function keep(folder: string, path: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const unfinished = `${path}.${randomUUID()}`;
  await writeFile(unfinished, text);
  await rename(unfinished, path);
  for (const name of await readdir(folder)) {
    const each = join(folder, name);
    if (Date.now() - (await stat(each)).mtimeMs > KEPT_MS) await rm(each, { force: true });
  }
}
