/** All overlays of a draft at once, out of an upload of any length. */
import { randomUUID } from "node:crypto";
import { open, unlink, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Db } from "../db.ts";
import { AppError, reasonOf } from "../errors.ts";
import { overlayRow } from "./derive-overlay.ts";
import { deleteOverlays, insertOverlays, type Overlay } from "./overlay-store.ts";
import { editDraft, type Version } from "./version-store.ts";

/** Rows of one insert: beyond some hundreds it gets no faster, only larger. */
const BATCH_ROWS = 1_000;
/** Characters of one insert, for overlays that are large. */
const BATCH_LENGTH = 4_000_000;

/**
 * Replaces the draft's overlays by `overlays`, in one transaction, or changes nothing when anything fails.
 *
 * Errors: those of `overlays`, of `editDraft`, and `upload_not_kept`.
 *
 * The upload is checked and spooled to a file first: a slow or vanishing client then holds no connection and no lock, and the
 * version's row is locked for as long as the inserts take (100,000 in some seconds), not for as long as the upload does.
 */
export async function importOverlays(
  db: Db,
  version: Version,
  overlays: AsyncIterable<Overlay>,
): Promise<{ overlays: number; revision: number }> {
  const path = join(tmpdir(), `platen-overlays-${randomUUID()}`);
  const file = await onDisk(open(path, "wx+", 0o600));
  try {
    // Without a name the file goes away by itself when this process dies.
    await unlink(path);
    const batches = await spool(file, overlays);
    const { count, revision } = await editDraft(db, version, async (tx) => {
      await deleteOverlays(tx, version.id);
      return { changed: true, count: await insertAll(tx, version, file, batches) };
    });
    return { overlays: count, revision };
  } finally {
    await file.close();
  }
}

/** What the disk for temporary files says no to: it may have room again later. */
async function onDisk<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new AppError("upload_not_kept", { reason: reasonOf(cause) }, { cause });
  });
}

/** Where in the spool file the JSON text of a batch of `rows` rows is. */
interface Batch {
  start: number;
  bytes: number;
  rows: number;
}

async function spool(file: FileHandle, overlays: AsyncIterable<Overlay>): Promise<Batch[]> {
  const batches: Batch[] = [];
  let start = 0;
  let texts: string[] = [];
  let length = 0;
  const flush = async (): Promise<void> => {
    const bytes = Buffer.from(`[${texts.join(",")}]`);
    // writeFile goes on where the last one ended, and writes all.
    await onDisk(file.writeFile(bytes));
    batches.push({ start, bytes: bytes.byteLength, rows: texts.length });
    start += bytes.byteLength;
    texts = [];
    length = 0;
  };
  for await (const overlay of overlays) {
    const text = overlayRow(overlay);
    texts.push(text);
    length += text.length;
    if (texts.length === BATCH_ROWS || length >= BATCH_LENGTH) await flush();
  }
  if (texts.length > 0) await flush();
  return batches;
}

async function insertAll(tx: Db, version: Version, file: FileHandle, batches: Batch[]): Promise<number> {
  const owner = { version_id: version.id, tenant_id: version.tenant_id };
  let count = 0;
  for (const { start, bytes, rows } of batches) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, start);
    if (bytesRead !== bytes) throw new Error(`the spool file ends at ${start + bytesRead}, not ${start + bytes}`);
    await insertOverlays(tx, owner, count + 1, buffer.toString());
    count += rows;
  }
  return count;
}
