/** Which code made a bundle or replays it. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface Versions {
  platen: string;
  node: string;
  /** Of `@temporalio/worker`; the packages are all of one version. */
  temporal: string;
  /** Of the checkout, if it is one; null in an image. */
  commit: string | null;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string | URL): { version: string } => JSON.parse(readFileSync(path, "utf8")) as { version: string };

/** `commit`: whoever can ask git says it. */
export function readVersions(commit: string | null = null): Versions {
  const { resolve } = createRequire(import.meta.url);
  return {
    platen: read(new URL("../../package.json", import.meta.url)).version,
    node: process.version,
    temporal: read(resolve("@temporalio/common/package.json")).version,
    commit,
  };
}

/** The checkout's commit, with `+` behind it if files were changed since; null where git or the checkout is missing. */
export async function readCommit(): Promise<string | null> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("git", args, { cwd: ROOT })).stdout.trim();
  try {
    const [commit, changed] = await Promise.all([git("rev-parse", "HEAD"), git("status", "--porcelain", "-uno")]);
    return changed === "" ? commit : `${commit}+`;
  } catch {
    return null;
  }
}
