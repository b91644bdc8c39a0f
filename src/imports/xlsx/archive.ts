/**
 * The ZIP archive that a workbook is, read where it lies in the store. Nothing is unpacked into files, so names lead nowhere; but an
 * archive that has such names, or unpacks to what no table is, is not looked into.
 */
import { Readable } from "node:stream";
import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from "yauzl";
import { AppError, reasonOf } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";

export interface Archive {
  /** The entry's bytes, `size` of them; null if there is none of this name. Error: `import_archive_refused`. */
  open(name: string): { size: number; bytes: AsyncIterable<Buffer> } | null;
}

/** Parts of a workbook: a sheet, a picture, … */
const MAX_ENTRIES = 2_000;
/** Bytes that one part unpacks to: a sheet of a million full rows has 400 MB. */
const MAX_UNPACKED = 4_294_967_296;
/** Unpacked to packed, of a part of more than some MB: tables of one word have 200. A bomb has 1,000. */
const MAX_RATIO = 400;
const SMALL = 8_388_608;

export const refused = (name: string, reason: string, cause?: unknown): AppError =>
  new AppError("import_archive_refused", { name, reason }, cause === undefined ? {} : { cause });

/** `name`: of the workbook. Errors: `import_archive_refused`, the store's. */
export async function openArchive(
  store: ObjectStore,
  { key, size, name }: { key: string; size: number; name: string },
): Promise<Archive> {
  // With the reader that it closes goes nothing: each read opens the object anew.
  const options = { lazyEntries: true, autoClose: false, validateEntrySizes: true, decodeStrings: true };
  const entries = new Map<string, Entry>();
  let zip: ZipFile;
  try {
    zip = await fromRandomAccessReaderPromise(new StoreReader(store, key), size, options);
    if (zip.entryCount > MAX_ENTRIES)
      throw refused(name, `it has ${zip.entryCount} parts, and ${MAX_ENTRIES} are the most`);
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
  } catch (error) {
    if (error instanceof AppError) throw error;
    // Names with `..`, absolute ones, sizes that contradict each other, an end that is missing.
    throw refused(name, reasonOf(error), error);
  }
  return {
    open(path) {
      const entry = entries.get(path);
      if (!entry) return null;
      checkEntry(name, entry);
      return { size: entry.uncompressedSize, bytes: unpacked(name, zip, entry) };
    },
  };
}

function checkEntry(name: string, { fileName, uncompressedSize, compressedSize, ...entry }: Entry): void {
  if (entry.generalPurposeBitFlag % 2 === 1) throw refused(name, "it is encrypted");
  if (uncompressedSize > MAX_UNPACKED) throw refused(name, `${fileName} unpacks to ${uncompressedSize} bytes`);
  const ratio = uncompressedSize / Math.max(1, compressedSize);
  if (uncompressedSize > SMALL && ratio > MAX_RATIO)
    throw refused(
      name,
      `${fileName} unpacks to ${Math.round(ratio)} times its size, as archives do that are made to fill memory`,
    );
}

/** Opened by who reads it: of a part that is too large nobody would close it. While it is unpacked, it turns out to be more than announced, or damaged. */
async function* unpacked(name: string, zip: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let bytes: Readable | undefined;
  try {
    bytes = await zip.openReadStreamPromise(entry);
    for await (const chunk of bytes) yield chunk as Buffer;
  } catch (error) {
    throw error instanceof AppError ? error : refused(name, reasonOf(error), error);
  } finally {
    bytes?.destroy();
  }
}

/** yauzl reads through a class of its own. */
class StoreReader extends RandomAccessReader {
  readonly #store: ObjectStore;
  readonly #key: string;

  constructor(store: ObjectStore, key: string) {
    super();
    this.#store = store;
    this.#key = key;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const [store, key] = [this.#store, this.#key];
    const bytes = async function* () {
      const found = await store.get(key, { start, end: end - 1 });
      if (!found) throw new Error("the object is gone");
      yield* found.body as AsyncIterable<Buffer>;
    };
    return Readable.from(bytes(), { objectMode: false });
  }
}
