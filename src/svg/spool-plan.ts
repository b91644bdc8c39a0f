/** The stored bytes of a plan in a file without a name, which goes away by itself when this process dies. */
import { createHash, randomUUID } from "node:crypto";
import { open, unlink, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Artifact } from "../artifacts/artifact-store.ts";
import { AppError, reasonOf } from "../errors.ts";
import { artifactKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { MAX_PLAN_BYTES } from "./limits.ts";

/** An open file that nobody else finds. Error: upload_not_kept. */
export async function openSpool(): Promise<FileHandle> {
  const path = join(tmpdir(), `platen-plan-${randomUUID()}`);
  const file = await kept(open(path, "wx+", 0o600));
  await kept(unlink(path));
  return file;
}

/** What the disk for temporary files says no to: it may have room again later. */
async function kept<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new AppError("upload_not_kept", { reason: reasonOf(cause) }, { cause });
  });
}

/** Errors: svg_too_large, svg_source_missing, svg_source_damaged, upload_not_kept, and the store's. */
export async function spoolPlan(
  store: ObjectStore,
  source: Artifact,
  file: FileHandle,
  signal: AbortSignal,
): Promise<void> {
  if (source.size > MAX_PLAN_BYTES) throw new AppError("svg_too_large", { size: source.size, limit: MAX_PLAN_BYTES });
  const found = await store.get(artifactKey(source.tenant, source.id));
  if (!found) throw new AppError("svg_source_missing", { artifact: source.id });
  const hash = createHash("sha256");
  let size = 0;
  await pipeline(
    found.body,
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.byteLength;
        await kept(file.writeFile(chunk));
      }
    },
    { signal },
  );
  const damaged = (reason: string): AppError => new AppError("svg_source_damaged", { artifact: source.id, reason });
  if (size !== source.size) throw damaged(`it has ${size} bytes and had ${source.size}`);
  if (hash.digest("hex") !== source.sha256) throw damaged("its bytes have changed");
}
