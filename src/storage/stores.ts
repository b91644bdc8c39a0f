/** The stores of this installation, by its configuration. */
import { join } from "node:path";
import { createFolderPointer } from "./folder-pointer.ts";
import { createFolderStore } from "./folder-store.ts";
import type { Stores } from "./object-store.ts";

/** `folder` holds `private/` (drafts, staged releases) and `public/` (what viewers load). */
export function createStores(options: { folder: string; durable?: boolean }): Stores {
  const durable = options.durable ?? true;
  const publicOptions = { root: join(options.folder, "public"), durable };
  return {
    private: createFolderStore({ root: join(options.folder, "private"), durable }),
    public: { ...createFolderStore(publicOptions), ...createFolderPointer(publicOptions) },
  };
}
