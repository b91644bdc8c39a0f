/** Local files into a folder, each under its own digest. */
import { join } from "node:path";
import { AppError, reasonOf } from "../errors.ts";
import type { FolderThreads } from "./folder-threads.ts";
import type { FolderStoreOptions } from "./folders.ts";
import type { Intake } from "./object-store.ts";
import { STAGING_FOLDER } from "./staging.ts";
import { storeError } from "./store-error.ts";

/** `prefix` of its calls ends with `/`, as keys.ts makes it. */
export function createFolderIntake({ root, durable = true }: FolderStoreOptions, threads: FolderThreads): Intake {
  return {
    async take(prefix, paths, { signal } = {}) {
      try {
        const to = { folder: join(root, prefix), staging: join(root, STAGING_FOLDER) };
        return await threads.take(to, paths, signal);
      } catch (error) {
        throw storeError((error as NodeJS.ErrnoException).path ?? root, error);
      }
    },

    async flush() {
      if (!durable) return;
      try {
        await threads.flush(root, "all");
      } catch (error) {
        const known = storeError(root, error);
        if (known instanceof AppError) throw known;
        throw new AppError("store_unavailable", { key: root, reason: reasonOf(error) }, { cause: error });
      }
    },
  };
}
