/**
 * The pointer in a folder: `{environment}/{project}/<epoch, 12 digits>.json`, made by `link()`, which never replaces.
 * The highest epoch is live, so a writer that wakes up late can only add a lower number, which nobody reads.
 * The newest few are kept: no number is taken away but those below others, so what is live never goes back.
 * `release.json` beside them is a copy for static file servers, repaired by whoever projects next. A copy has no such fence: two
 * who refresh it at once may leave the older one there for a moment, so what must never go back is read by number.
 */
import { link, open, readdir, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { fileBody } from "./file-body.ts";
import { assertKey } from "./folder-store.ts";
import { createFolders, type FolderStoreOptions } from "./folders.ts";
import type { PointerState, PointerStore } from "./object-store.ts";
import { consuming, createStaging } from "./staging.ts";
import { isMissing, storeError } from "./store-error.ts";

const EPOCH_FILE = /^(\d{12})\.json$/;
/** Epochs kept: the live one, and some for readers that have listed the folder and not yet opened the file. */
const KEPT = 10;
/** The header comes first in the document and is far smaller than this. */
const HEAD_BYTES = 4_096;
const COPY = "release.json";

/** The first bytes hold the epoch and the nonce: documents of equal heads and sizes are equal. */
interface Looks {
  size: number;
  head: Buffer;
}

interface Found extends Looks {
  file: FileHandle;
  state: PointerState;
}

export function createFolderPointer(options: FolderStoreOptions): PointerStore {
  const folders = createFolders(options);
  const staging = createStaging(options, folders);
  const folderOf = (environment: string, project: string): string => {
    assertKey(`${environment}/${project}`);
    return join(options.root, environment, project);
  };

  /** Makes `release.json` equal the highest epoch; reads again until nothing newer came in between. */
  async function refreshCopy(folder: string): Promise<void> {
    for (let last: string | undefined; ;) {
      const name = await atHighest(folder, async (highest) => {
        if (highest !== last) await staging.place(await staging.copy(join(folder, highest)), join(folder, COPY));
        return highest;
      });
      if (!name || name === last) return;
      last = name;
    }
  }

  return {
    async readPointer(environment, project) {
      try {
        const folder = folderOf(environment, project);
        const found = await openHighest(folder);
        if (!found) return null;
        await found.file.close();
        // Who wrote the pointer may have died before its copy.
        if (!(await looksLike(join(folder, COPY), found))) await refreshCopy(folder);
        return found.state;
      } catch (error) {
        throw storeError(`${environment}/${project}`, error);
      }
    },

    putPointer: ({ environment, project, epoch, body, expected }) =>
      consuming(body, async () => {
        const name = `${String(epoch).padStart(12, "0")}.json`;
        try {
          const folder = folderOf(environment, project);
          const stands = async () => ((await epochs(folder)).at(-1) ?? null) === (expected?.token ?? null);
          if (!(await stands())) return "refused";
          const staged = await staging.write(body);
          try {
            if (!(await stands())) return "refused";
            await folders.within(folder, () => linkOnce(staged.path, join(folder, name)));
            await folders.sync(folder);
          } finally {
            await rm(staged.path, { force: true });
          }
          await refreshCopy(folder);
          // The epoch is written, so this fails nothing: the next one tries again.
          await prune(folder).catch(() => undefined);
          return "written";
        } catch (error) {
          throw storeError(`${environment}/${project}/${name}`, error);
        }
      }),

    async getPointer(environment, project) {
      try {
        const found = await openHighest(folderOf(environment, project));
        if (!found) return null;
        const { file, size, state } = found;
        const key = `${environment}/${project}/${state.token}`;
        return { info: { key, size }, body: fileBody(file, key, { start: 0, end: size - 1 }), state };
      } catch (error) {
        throw storeError(`${environment}/${project}`, error);
      }
    },
  };
}

/** If it is there, another process projected the same epoch, and the same epoch is always the same release. */
async function linkOnce(staged: string, path: string): Promise<void> {
  await link(staged, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

/** Names of the epoch files, ascending. */
async function epochs(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names.filter((name) => EPOCH_FILE.test(name)).sort();
}

/** Runs `work` on the highest epoch's name; null if there is none. */
async function atHighest<T>(folder: string, work: (name: string) => Promise<T>): Promise<T | null> {
  for (let gone: string | undefined; ;) {
    const name = (await epochs(folder)).at(-1);
    if (!name) return null;
    try {
      return await work(name);
    } catch (error) {
      // Pruned since it was listed, so there are higher ones. The same name twice is something else.
      if (!isMissing(error) || name === gone) throw error;
      gone = name;
    }
  }
}

/** The highest epoch's file, open: the caller closes it. */
function openHighest(folder: string): Promise<Found | null> {
  return atHighest(folder, async (name) => {
    const file = await open(join(folder, name), "r");
    try {
      const looks = await lookAt(file);
      const nonce = /"nonce":"([^"]+)"/.exec(looks.head.toString())?.[1] ?? "";
      return { ...looks, file, state: { epoch: Number.parseInt(name, 10), nonce, token: name } };
    } catch (error) {
      await file.close();
      throw error;
    }
  });
}

async function lookAt(file: FileHandle): Promise<Looks> {
  const { size } = await file.stat();
  const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return { size, head: buffer.subarray(0, bytesRead) };
}

async function looksLike(path: string, { size, head }: Looks): Promise<boolean> {
  const file = await open(path, "r").catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (!file) return false;
  const found = await lookAt(file).finally(() => file.close());
  return found.size === size && found.head.equals(head);
}

async function prune(folder: string): Promise<void> {
  for (const name of (await epochs(folder)).slice(0, -KEPT)) await rm(join(folder, name), { force: true });
}
