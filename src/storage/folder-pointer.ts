/**
 * The pointer in a folder: `{environment}/{project}/<epoch, 12 digits>.json`, made by `link()`, which never replaces.
 * The highest epoch is live, so a writer that wakes up late can only add a lower number, which nobody reads.
 * `release.json` beside them is a copy for static file servers, repaired by whoever projects next. A copy has no such fence: two
 * who refresh it at once may leave the older one there for a moment, so what must never go back is read by number.
 */
import { constants } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { PointerState, PointerStore } from "./object-store.ts";
import {
  assertKey,
  isMissing,
  storeError,
  syncFolder,
  stagedPath,
  writeStaged,
  type FolderStoreOptions,
} from "./folder-store.ts";

const EPOCH_FILE = /^(\d{12})\.json$/;
/** The header comes first in the document and is far smaller than this. */
const HEADER_BYTES = 4_096;
const COPY = "release.json";

/** The first bytes: they hold the epoch and the nonce, so equal heads are equal documents. */
async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(head, 0, HEADER_BYTES, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

export function createFolderPointer(options: FolderStoreOptions): PointerStore {
  const folderOf = (environment: string, project: string): string => {
    assertKey(`${environment}/${project}`);
    return join(options.root, environment, project);
  };

  async function highest(folder: string): Promise<string | null> {
    const names = await readdir(folder).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw storeError(folder, error);
    });
    return (
      names
        .filter((name) => EPOCH_FILE.test(name))
        .sort()
        .at(-1) ?? null
    );
  }

  async function openHighest(environment: string, project: string) {
    const folder = folderOf(environment, project);
    const name = await highest(folder);
    if (!name) return null;
    const file = await open(join(folder, name), "r").catch((error: unknown) => {
      throw storeError(`${environment}/${project}/${name}`, error);
    });
    try {
      const head = Buffer.alloc(HEADER_BYTES);
      const { bytesRead } = await file.read(head, 0, HEADER_BYTES, 0);
      const nonce = /"nonce":"([^"]+)"/.exec(head.toString("utf8", 0, bytesRead))?.[1] ?? "";
      const state: PointerState = { epoch: Number(EPOCH_FILE.exec(name)?.[1]), nonce, token: name };
      return { file, state, name };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  return {
    async readPointer(environment, project) {
      const found = await openHighest(environment, project);
      await found?.file.close();
      // Who wrote the pointer may have died before its copy.
      if (found) await mendCopy(folderOf(environment, project), found.name);
      return found?.state ?? null;
    },

    async putPointer({ environment, project, epoch, body, expected }) {
      const folder = folderOf(environment, project);
      const name = `${String(epoch).padStart(12, "0")}.json`;
      try {
        const staged = await writeStaged(options, body);
        try {
          await mkdir(folder, { recursive: true });
          const before = await highest(folder);
          if (before !== (expected?.token ?? null)) return "refused";
          // EEXIST: the same epoch was projected by another process; the same epoch is always the same release.
          await link(staged.path, join(folder, name)).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== "EEXIST") throw error;
          });
          await syncFolder(folder);
        } finally {
          await rm(staged.path, { force: true });
        }
        await refreshCopy(folder);
        return "written";
      } catch (error) {
        throw storeError(`${environment}/${project}/${name}`, error);
      }
    },

    async getPointer(environment, project) {
      const found = await openHighest(environment, project);
      if (!found) return null;
      const { size } = await found.file.stat();
      return {
        info: { key: `${environment}/${project}/${found.name}`, size },
        body: createReadStream("", { fd: found.file, start: 0 }),
        state: found.state,
      };
    },
  };

  async function mendCopy(folder: string, name: string): Promise<void> {
    try {
      const [numbered, copy] = await Promise.all([
        readHead(join(folder, name)),
        readHead(join(folder, COPY)).catch(() => null),
      ]);
      if (!copy?.equals(numbered)) await refreshCopy(folder);
    } catch (error) {
      throw storeError(join(folder, COPY), error);
    }
  }

  /** Makes `release.json` equal the highest epoch; reads again until nothing newer came in between. */
  async function refreshCopy(folder: string): Promise<void> {
    for (let last: string | null = null; ;) {
      const name = await highest(folder);
      if (!name || name === last) return;
      const copy = stagedPath(options);
      await copyFile(join(folder, name), copy, constants.COPYFILE_FICLONE);
      await rename(copy, join(folder, COPY));
      last = name;
    }
  }
}
