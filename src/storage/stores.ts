/** The stores of this installation, by its configuration. */
import { join } from "node:path";
import type { Log } from "../log.ts";
import { createFolderIntake } from "./folder-intake.ts";
import { createFolderPointer } from "./folder-pointer.ts";
import { createFolderStore } from "./folder-store.ts";
import { createFolderThreads } from "./folder-threads.ts";
import { createFolderTransfer } from "./folder-transfer.ts";
import type { Stores } from "./object-store.ts";
import { sweepStaged } from "./staging.ts";

/** Longer than any upload goes on without writing. */
const ABANDONED_MS = 24 * 3_600_000;

/** `folder` holds `private/` (drafts, staged releases) and `public/` (what viewers load). */
export function createStores(options: { folder: string; durable?: boolean }): Stores {
  const durable = options.durable ?? true;
  const [from, to] = [join(options.folder, "private"), join(options.folder, "public")];
  const threads = createFolderThreads();
  return {
    private: createFolderStore({ root: from, durable }, threads),
    public: {
      ...createFolderStore({ root: to, durable }, threads),
      ...createFolderPointer({ root: to, durable }),
    },
    intake: createFolderIntake({ root: from, durable }, threads),
    transfer: createFolderTransfer({ from, to, durable }, threads),
  };
}

/**
 * Removes half-written files that killed processes left in the stores of `folder` more than a day ago; for the start of a process.
 * Never rejects: what cannot be removed takes room and does no other harm, so that is only logged.
 */
export async function sweepStores({ folder, log }: { folder: string; log: Log }): Promise<void> {
  for (const store of ["private", "public"]) {
    try {
      const removed = await sweepStaged(join(folder, store), ABANDONED_MS);
      if (removed > 0) log.info({ store, removed }, "removed what killed processes had left half-written");
    } catch (error) {
      log.warn({ error, store }, "cannot remove what killed processes left half-written");
    }
  }
}
