/** What a worker calls its build in Temporal: pollers, histories and the list of workers show it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOf } from "../code-digest.ts";
import type { Config } from "../config.ts";

/** Temporal's name for all workers of Platen's together. */
export const DEPLOYMENT = "platen";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
let digest: string | undefined;

/** PLATEN_BUILD_ID, else `0.2.0-3fa9c1d2e4b5`: the version, and 12 digits of the code's SHA-256. */
export function buildId({ PLATEN_BUILD_ID }: Pick<Config, "PLATEN_BUILD_ID">): string {
  return PLATEN_BUILD_ID ?? `${version()}-${(digest ??= digestOf(ROOT))}`;
}

function version(): string {
  return (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
}
