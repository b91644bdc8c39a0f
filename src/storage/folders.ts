/** The folders of a store: made when they are needed, and made to survive a power cut. */
import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isMissing } from "./store-error.ts";

export interface FolderStoreOptions {
  root: string;
  /** Flush each object to the disk before it counts as written; default: yes. Off only where the folder is thrown away (tests). */
  durable?: boolean;
}

export interface Folders {
  /** Runs `work`, for which `folder` (the root or one below it) has to exist; twice if it was removed meanwhile. */
  within<T>(folder: string, work: () => Promise<T>): Promise<T>;
  /** Makes renames and links in `folder` that are done by now survive a power cut. */
  sync(folder: string): Promise<void>;
}

/** Folders remembered at most, of some 100 bytes each. A publish makes about 20. */
const REMEMBERED = 10_000;

export function createFolders({ root: given, durable = true }: FolderStoreOptions): Folders {
  const root = resolve(given);
  // Each folder is made once per process, which saves tile uploads an mkdir per tile. It is synced into its parent then even if it
  // was there: who made it may have been killed before doing so, or may not have come to it yet.
  const made = new Map<string, Promise<void>>();

  function need(folder: string): Promise<void> {
    const before = made.get(folder);
    if (before) return before;
    if (made.size >= REMEMBERED) made.clear();
    const now = make(folder);
    made.set(folder, now);
    now.catch(() => made.get(folder) === now && made.delete(folder));
    return now;
  }

  async function make(folder: string): Promise<void> {
    if (folder !== root) await need(dirname(folder));
    const first = await mkdir(folder, { recursive: true });
    if (!durable) return;
    if (folder !== root) return sync(dirname(folder));
    // What lies above the root is another's: synced only if it was made here and now.
    for (let at = root; first && at.length >= first.length; at = dirname(at)) await sync(dirname(at));
  }

  async function sync(folder: string): Promise<void> {
    if (!durable) return;
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  }

  return {
    sync,
    async within(given, work) {
      const folder = resolve(given);
      await need(folder);
      try {
        return await work();
      } catch (error) {
        if (!isMissing(error)) throw error;
        made.clear();
        await need(folder);
        return work();
      }
    },
  };
}
