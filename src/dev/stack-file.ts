/** `.platen/stack.json`: tells tools where a running stack is, and holds its keys; there only while it is up. */
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Role } from "../tenants/principal.ts";

export interface StackFile {
  /** URL of the gateway. */
  gateway: string;
  /** URL of the Temporal Web UI. */
  web_ui: string;
  /** host:port of Temporal's frontend. */
  temporal: string;
  namespace: string;
  /** `postgresql://` URL with its password. */
  database: string;
  /** Folder of the object store, absolute. */
  store: string;
  api_keys: Record<Role, string>;
  /** Process ids by name, of `npm start` itself (`stack`) and of its children. */
  pids: Record<string, number>;
}

/** Replaces it atomically, readable by its owner alone. `folder` is `.platen`. */
export async function writeStackFile(folder: string, stack: StackFile): Promise<void> {
  const file = join(folder, "stack.json");
  await writeFile(`${file}.new`, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export async function removeStackFile(folder: string): Promise<void> {
  await rm(join(folder, "stack.json"), { force: true });
}
