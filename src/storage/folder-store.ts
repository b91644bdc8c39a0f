/** An object store that is a folder: each object a file, written beside its place and renamed into it. */
import type { Dirent } from "node:fs";
import { open, opendir, rm, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileBody } from "./file-body.ts";
import { createHash } from "node:crypto";
import type { FolderThreads } from "./folder-threads.ts";
import type { FolderStoreOptions } from "./folders.ts";
import { DigestMismatch, type ObjectInfo, type ObjectStore } from "./object-store.ts";
import { consuming, createStaging } from "./staging.ts";
import { isMissing, storeError } from "./store-error.ts";

const MAX_SEGMENT_BYTES = 200;

/** Throws a plain Error for a key that no caller may build: keys come from `keys.ts`, so that is a bug, not input. */
export function assertKey(key: string): void {
  const segments = key.split("/");
  const wrong = segments.find(
    (segment) =>
      segment === "" ||
      segment.startsWith(".") ||
      /[\\\u0000-\u001f]/.test(segment) ||
      Buffer.byteLength(segment) > MAX_SEGMENT_BYTES,
  );
  if (wrong !== undefined) throw new Error(`not a storage key: ${JSON.stringify(key)}`);
}

const differs = (expected: { sha256?: string; size?: number }, found: { sha256: string; size: number }): boolean =>
  (expected.sha256 ?? found.sha256) !== found.sha256 || (expected.size ?? found.size) !== found.size;

/** Where the object `key` is. Error: a plain one for a key that no caller may build. */
export function objectPath(root: string, key: string): string {
  assertKey(key);
  return join(root, key);
}

export function createFolderStore(options: FolderStoreOptions, threads: FolderThreads): ObjectStore {
  const staging = createStaging(options);
  const pathOf = (key: string): string => objectPath(options.root, key);
  return {
    put: (key, body, { signal, ...expected } = {}) =>
      consuming(body, async () => {
        try {
          const path = pathOf(key);
          const staged = await staging.write(body, signal);
          const found = { key, size: staged.size, sha256: staged.sha256 };
          if (differs(expected, found)) {
            await rm(staged.path, { force: true });
            throw new DigestMismatch(expected, found);
          }
          await staging.place(staged.path, path);
          return found;
        } catch (error) {
          throw storeError(key, error);
        }
      }),

    async head(key) {
      try {
        const found = await stat(pathOf(key));
        return found.isFile() ? { key, size: found.size } : null;
      } catch (error) {
        if (isMissing(error)) return null;
        throw storeError(key, error);
      }
    },

    async get(key, range) {
      const file = await open(pathOf(key), "r").catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw storeError(key, error);
      });
      if (!file) return null;
      try {
        const found = await file.stat();
        if (found.isFile()) {
          const { size } = found;
          const { start, end } = range ?? { start: 0, end: size - 1 };
          return { info: { key, size }, body: fileBody(file, key, { start, end: Math.min(end, size - 1) }) };
        }
      } catch (error) {
        await file.close();
        throw storeError(key, error);
      }
      await file.close();
      return null;
    },

    async *list(prefix) {
      const folder = join(options.root, ...prefix.split("/").filter(Boolean));
      for await (const path of walk(folder)) {
        const found = await stat(path).catch((error: unknown) => {
          if (isMissing(error)) return null;
          throw storeError(prefix, error);
        });
        if (found)
          yield { key: relative(options.root, path).split(sep).join("/"), size: found.size } satisfies ObjectInfo;
      }
    },

    async delete(key) {
      await rm(pathOf(key), { force: true }).catch((error: unknown) => {
        throw storeError(key, error);
      });
    },

    async inspect(objects, how) {
      try {
        const files = objects.map(({ key, size, sha256 }) => ({ path: pathOf(key), size, sha256 }));
        const { faults, seals } = await threads.inspect(files, how);
        return { faults, seal: createHash("sha256").update(seals.join()).digest("hex") };
      } catch (error) {
        throw storeError((error as NodeJS.ErrnoException).path ?? options.root, error);
      }
    },
  };
}

async function* walk(folder: string): AsyncIterable<string> {
  const entries = await opendir(folder).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw storeError(folder, error);
  });
  for await (const entry of entries ?? ([] as Dirent[])) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}
