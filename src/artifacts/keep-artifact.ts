/** Artifacts: what people bring and jobs make, in the private store, with a record that says what it is. */
import type { Readable } from "node:stream";
import { v5 as uuidv5 } from "uuid";
import { transaction, type Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { artifactKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { lockPlaces, unmark } from "../storage/orphan-store.ts";
import { putArtifact, type Artifact } from "./artifact-store.ts";

/** What is known before the bytes are. */
export type NewArtifact = Omit<Artifact, "size" | "sha256" | "created_at">;

/**
 * Bytes first, then the record: a process that dies in between leaves an object that no record names, which maintenance removes, unless
 * it is made again meanwhile. Rejects with the body's own error, and the store's, and with objects_being_removed. `within`: what is to come
 * about together with the record, called last in its transaction; what it throws undoes that.
 */
export async function keepArtifact(
  deps: { db: Db; store: ObjectStore },
  artifact: NewArtifact,
  body: Readable | Uint8Array,
  signal?: AbortSignal,
  within?: (tx: Db) => Promise<void>,
): Promise<{ id: string; size: number; sha256: string }> {
  await claimKey(deps.db, artifactKey(artifact.tenant, artifact.id));
  const put = await deps.store.put(artifactKey(artifact.tenant, artifact.id), body, signal ? { signal } : {});
  const { size, sha256 } = put;
  const { tenant: _, ...record } = artifact;
  await transaction(deps.db, async (tx) => {
    await putArtifact(tx, { ...record, size, sha256 });
    await within?.(tx);
  });
  return { id: artifact.id, size, sha256 };
}

/** Of what a job makes under a name of its own: the same whenever it makes it again. */
export const artifactIdOf = (jobId: string, name: string): string => uuidv5(name, jobId);

/** A clean-up that has seen the object without a record begins to count anew; the grace time is longer than any upload. */
async function claimKey(db: Db, key: string): Promise<void> {
  const removing = await transaction(db, async (tx) => {
    await lockPlaces(tx, [{ store: "private", prefix: key }]);
    return unmark(tx, { store: "private", prefixes: [key] });
  });
  if (removing.length > 0) throw new AppError("objects_being_removed", { prefix: key });
}
