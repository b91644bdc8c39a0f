/**
 * Files on their way into a store: written under a name of their own in `.writing/`, flushed, and only then given their place. What a
 * killed process leaves there is swept up when the next one starts.
 */
import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, open, opendir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { createFolders, type FolderStoreOptions, type Folders } from "./folders.ts";
import { BodyFailure, isMissing } from "./store-error.ts";

/** A dot keeps it out of every listing and key. */
export const STAGING_FOLDER = ".writing";

export interface Staged {
  path: string;
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
}

/** Every file it answers with is flushed, and the caller's to place or to remove; of one that fails nothing is left. */
export interface Staging {
  write(body: Readable | Uint8Array, signal?: AbortSignal): Promise<Staged>;
  /** A copy of the file at `from`; answers its path. */
  copy(from: string): Promise<string>;
  /** Renames the staged file to `to`, whatever is there, and lets that survive a power cut. */
  place(staged: string, to: string): Promise<void>;
}

export function createStaging(options: FolderStoreOptions, folders: Folders = createFolders(options)): Staging {
  const { root, durable = true } = options;

  async function stage<T>(fill: (path: string) => Promise<T>): Promise<T> {
    const path = join(root, STAGING_FOLDER, randomUUID());
    try {
      return await folders.within(dirname(path), () => fill(path));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  return {
    async write(body, signal) {
      const { path, file } = await stage(async (path) => ({ path, file: await open(path, "wx") }));
      try {
        const written = await fill(file, body, signal);
        if (durable) await file.sync();
        await file.close();
        return { path, ...written };
      } catch (error) {
        await file.close().catch(() => undefined);
        await rm(path, { force: true });
        throw error;
      }
    },

    copy: (from) =>
      stage(async (path) => {
        await copyFile(from, path, constants.COPYFILE_FICLONE);
        if (durable) await sync(path);
        return path;
      }),

    async place(staged, to) {
      try {
        await folders.within(dirname(to), () => rename(staged, to));
      } catch (error) {
        await rm(staged, { force: true });
        throw error;
      }
      await folders.sync(dirname(to));
    },
  };
}

async function sync(path: string): Promise<void> {
  const file = await open(path, "r+");
  await file.sync().finally(() => file.close());
}

async function fill(
  file: FileHandle,
  body: Readable | Uint8Array,
  signal?: AbortSignal,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const bytes of body instanceof Uint8Array ? [body] : pieces(body)) {
    signal?.throwIfAborted();
    hash.update(bytes);
    size += bytes.byteLength;
    // write() may write less than it was given.
    for (let at = 0; at < bytes.byteLength;) at += (await file.write(bytes, at)).bytesWritten;
  }
  return { size, sha256: hash.digest("hex") };
}

async function* pieces(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array | string>)
      yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  } catch (error) {
    throw new BodyFailure(error);
  }
}

/** Runs `work`, which may read `body`. Whatever becomes of that, no file stays open behind it, and no error of it goes unheard. */
export async function consuming<T>(body: Readable | Uint8Array, work: () => Promise<T>): Promise<T> {
  if (body instanceof Uint8Array) return work();
  // It may fail while nobody reads it yet, which would end the process; who reads it then still gets the error.
  body.on("error", () => undefined);
  try {
    return await work();
  } finally {
    body.destroy();
  }
}

/** Removes what killed processes left in `root`: staged files untouched for `olderThanMs`. Answers how many. */
export async function sweepStaged(root: string, olderThanMs: number): Promise<number> {
  const entries = await opendir(join(root, STAGING_FOLDER)).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  let removed = 0;
  for await (const { name } of entries ?? []) {
    const path = join(root, STAGING_FOLDER, name);
    // Its writer may be done with it by now, or another process sweep it.
    const found = await stat(path).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    if (!found || Date.now() - found.mtimeMs < olderThanMs) continue;
    await rm(path, { force: true });
    removed++;
  }
  return removed;
}
