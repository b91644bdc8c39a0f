/** From one folder into another, many files at once. */
import { join } from "node:path";
import { AppError, reasonOf } from "../errors.ts";
import { objectPath } from "./folder-store.ts";
import type { FolderThreads } from "./folder-threads.ts";
import type { Transfer } from "./object-store.ts";
import { STAGING_FOLDER } from "./staging.ts";
import { storeError } from "./store-error.ts";

/** `from` and `to`: roots of the stores. `durable: false`: nothing is flushed, for folders that are thrown away (tests). */
export function createFolderTransfer(
  options: { from: string; to: string; durable: boolean },
  threads: FolderThreads,
): Transfer {
  const { from, to, durable } = options;
  return {
    async copy(objects, { signal } = {}) {
      try {
        const files = objects.map((object) => ({
          from: objectPath(from, object.from),
          to: { path: objectPath(to, object.to.key), size: object.to.size, sha256: object.to.sha256 },
        }));
        return await threads.copy(join(to, STAGING_FOLDER), files, signal);
      } catch (error) {
        throw storeError((error as NodeJS.ErrnoException).path ?? to, error);
      }
    },

    async flush(keys) {
      if (!durable) return;
      try {
        await threads.flush(to, keys === "all" ? keys : keys.map((key) => objectPath(to, key)));
      } catch (error) {
        const known = storeError(to, error);
        if (known instanceof AppError) throw known;
        throw new AppError("store_unavailable", { key: to, reason: reasonOf(error) }, { cause: error });
      }
    },
  };
}
