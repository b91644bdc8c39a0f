/** An object store that is a folder: each object a file, written beside its place and renamed into it. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, type Dirent } from "node:fs";
import { mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { Readable } from "node:stream";
import { AppError, reasonOf } from "../errors.ts";
import { DigestMismatch, type ObjectInfo, type ObjectStore } from "./object-store.ts";

const MAX_SEGMENT_BYTES = 200;
/** Where objects are written before they are renamed; a dot keeps it out of every listing and key. */
const STAGING = ".writing";

export interface FolderStoreOptions {
  root: string;
  /** Flush each object to the disk before it counts as written. Off only where the folder is thrown away (tests). */
  durable?: boolean;
}

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

/** Turns a file system error into `store_full` or `store_unavailable`. */
export function storeError(key: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (error instanceof AppError || typeof code !== "string" || code === "ABORT_ERR") return error;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new AppError(full ? "store_full" : "store_unavailable", { key, reason: reasonOf(error) }, { cause: error });
}

export const isMissing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");

/** Makes a rename or link in this folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}

/** A new name in the staging folder, which exists once anything was written. */
export const stagedPath = (options: FolderStoreOptions): string => join(options.root, STAGING, randomUUID());

/** Writes `body` to a new file in the staging folder; removes it again when that fails. */
export async function writeStaged(
  options: FolderStoreOptions,
  body: Readable | Uint8Array,
  signal?: AbortSignal,
): Promise<{ path: string; size: number; sha256: string }> {
  const path = stagedPath(options);
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "wx");
  try {
    const hash = createHash("sha256");
    let size = 0;
    const chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = body instanceof Uint8Array ? [body] : body;
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      hash.update(bytes);
      size += bytes.byteLength;
      // write() may write less than it was given.
      for (let at = 0; at < bytes.byteLength;) at += (await file.write(bytes, at)).bytesWritten;
    }
    if (options.durable !== false) await file.sync();
    await file.close();
    return { path, size, sha256: hash.digest("hex") };
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}

const differs = (expected: { sha256?: string; size?: number }, found: { sha256: string; size: number }): boolean =>
  (expected.sha256 ?? found.sha256) !== found.sha256 || (expected.size ?? found.size) !== found.size;

export function createFolderStore(options: FolderStoreOptions): ObjectStore {
  const pathOf = (key: string): string => {
    assertKey(key);
    return join(options.root, ...key.split("/"));
  };
  return {
    async put(key, body, { signal, ...expected } = {}) {
      const path = pathOf(key);
      try {
        const staged = await writeStaged(options, body, signal);
        const found = { key, size: staged.size, sha256: staged.sha256 };
        try {
          if (differs(expected, found)) throw new DigestMismatch(expected, found);
          await mkdir(dirname(path), { recursive: true });
          await rename(staged.path, path);
        } catch (error) {
          await rm(staged.path, { force: true });
          throw error;
        }
        if (options.durable !== false) await syncFolder(dirname(path));
        return found;
      } catch (error) {
        throw storeError(key, error);
      }
    },

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
      const found = await file.stat();
      if (!found.isFile()) {
        await file.close();
        return null;
      }
      return { info: { key, size: found.size }, body: createReadStream("", { fd: file, ...range }) };
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
