/** Artifacts: what people bring and jobs make, in the private store, with a record that says what it is. */
import type { Readable } from "node:stream";
import { v5 as uuidv5 } from "uuid";
import type { Db } from "../db.ts";
import { artifactKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { putArtifact, type Artifact } from "./artifact-store.ts";

/** What is known before the bytes are. */
export type NewArtifact = Omit<Artifact, "size" | "sha256" | "created_at">;

/**
 * Bytes first, then the record: a process that dies in between leaves an object that no record names, which maintenance removes. Rejects with
 * the body's own error, and the store's.
 */
export async function keepArtifact(
  deps: { db: Db; store: ObjectStore },
  artifact: NewArtifact,
  body: Readable | Uint8Array,
  signal?: AbortSignal,
): Promise<{ id: string; size: number; sha256: string }> {
  const put = await deps.store.put(artifactKey(artifact.tenant, artifact.id), body, signal ? { signal } : {});
  const { size, sha256 } = put;
  const { tenant: _, ...record } = artifact;
  await putArtifact(deps.db, { ...record, size, sha256 });
  return { id: artifact.id, size, sha256 };
}

/** Of what a job makes under a name of its own: the same whenever it makes it again. */
export const artifactIdOf = (jobId: string, name: string): string => uuidv5(name, jobId);
