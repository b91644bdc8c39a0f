/** Where the `temporal` binary is. Plain JavaScript: the bootstrap needs it before TypeScript can run. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The CLI that is fetched or built when the machine has none; it holds server 1.29.1. */
export const CLI_VERSION = "1.5.1";

/** Older servers lack the fair matcher that temporal-config/ turns on. */
const LEAST_SERVER = { major: 1, minor: 29 };

const FILE = process.platform === "win32" ? "temporal.exe" : "temporal";

/** Folder for what is fetched or built once per machine. */
export function toolFolder() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "platen", "tools");
}

/** The binary that the bootstrap puts into the tool cache. */
export function cachedTemporal() {
  return join(toolFolder(), `temporal-${CLI_VERSION}${FILE.slice("temporal".length)}`);
}

/**
 * The first usable one: PATH, then PLATEN_TEMPORAL_CLI, then the tool cache; null when there is none.
 * @returns {Promise<{path: string, from: string} | null>}
 */
export async function findTemporal() {
  const named = process.env.PLATEN_TEMPORAL_CLI;
  const places = [
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => ({ path: join(folder || ".", FILE), from: "PATH" })),
    ...(named ? [{ path: named, from: "PLATEN_TEMPORAL_CLI" }] : []),
    { path: cachedTemporal(), from: "the tool cache" },
  ];
  for (const place of places) if (await isUsable(place.path)) return place;
  return null;
}

/**
 * Does it run, and hold a server that is new enough?
 * @param {string} path
 * @returns {Promise<boolean>}
 */
export async function isUsable(path) {
  try {
    await access(path, constants.X_OK);
  } catch {
    return false;
  }
  const output = await new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: 20_000 }, (error, stdout) => resolve(error ? "" : stdout));
  });
  const [, major = 0, minor = 0] = (/Server (\d+)\.(\d+)/.exec(String(output)) ?? []).map(Number);
  return major > LEAST_SERVER.major || (major === LEAST_SERVER.major && minor >= LEAST_SERVER.minor);
}
