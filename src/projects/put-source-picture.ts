/** A source picture as it comes in: measured in a process of its own before anything is kept. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import pLimit from "p-limit";
import { artifactIdOf, keepArtifact } from "../artifacts/keep-artifact.ts";
import type { Db } from "../db.ts";
import { artifactKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { PICTURE_MEDIA_TYPES } from "../tiles/cut/picture-kind.ts";
import type { PictureSettings } from "../tiles/cut/picture-settings.ts";
import { runPictureChild } from "../tiles/cut/run-picture-child.ts";
import { inScratch } from "../tiles/cut/scratch.ts";
import { replaceSourcePicture } from "./source-picture-store.ts";
import { editDraft, type Version } from "./version-store.ts";

/** A header takes some milliseconds; a gateway's client waits for no more than this. */
const MEASURE_SECONDS = 20;
/** Each is a process. */
const atATime = pLimit(2);

export interface PutPicture {
  artifact: string;
  media_type: string;
  /** Pixels, as it is seen. */
  width: number;
  height: number;
  size: number;
  sha256: string;
  /** False if the draft had this very picture already. */
  changed: boolean;
  revision: number;
}

/**
 * Bytes into a scratch file, then measured, then kept as an artifact, then an edit of the draft like any other. A process that dies in between
 * leaves an artifact that nothing refers to, which the same picture sent again takes up, and maintenance removes.
 * Errors: of `chunks`, picture_unreadable, picture_too_large, picture_timeout, picture_memory, version_published, store_unavailable, store_full.
 */
export async function putSourcePicture(options: {
  db: Db;
  store: ObjectStore;
  pictures: PictureSettings;
  version: Version;
  chunks: AsyncIterable<Buffer>;
  created_by: string | null;
}): Promise<PutPicture> {
  const { db, store, pictures, version, created_by } = options;
  return inScratch(pictures.scratch, async (scratch) => {
    const picture = join(scratch, "picture");
    const sha256 = await write(picture, options.chunks);
    const limits = { ...pictures, seconds: Math.min(pictures.seconds, MEASURE_SECONDS) };
    const size = await atATime(() => runPictureChild({ picture, scratch }, limits, { doing: "measured" }));
    const { kind, width, height } = size;
    const media_type = PICTURE_MEDIA_TYPES[kind];
    // The same picture again is the same artifact, which mends bytes that got lost.
    const id = artifactIdOf(version.id, sha256);
    const kept = await keepArtifact(
      { db, store },
      {
        ...{ id, tenant_id: version.tenant_id, tenant: version.tenant, project_id: version.project_id },
        ...{ kind: "upload", job_id: null, created_by, expires_at: null, media_type },
        name: `${version.project}-v${version.number}.${kind === "jpeg" ? "jpg" : kind}`,
      },
      createReadStream(picture),
    );
    const { changed, revision } = await editDraft(db, version, async (tx) => ({
      changed: await replaceSourcePicture(
        tx,
        { version_id: version.id, tenant_id: version.tenant_id },
        { artifact: id, width, height },
      ),
    }));
    return { artifact: id, media_type, width, height, size: kept.size, sha256, changed, revision };
  });
}

/** Answers the SHA-256. Rejects with the body's own error. */
async function write(path: string, chunks: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  await using file = await open(path, "wx");
  for await (const chunk of chunks) {
    hash.update(chunk);
    await file.appendFile(chunk);
  }
  return hash.digest("hex");
}

/** An artifact's bytes as a local file. False if they are not there, or not the ones that were kept. Error: store_unavailable. */
export async function fetchPicture(
  store: ObjectStore,
  artifact: { tenant: string; id: string; sha256: string },
  to: string,
): Promise<boolean> {
  const found = await store.get(artifactKey(artifact.tenant, artifact.id));
  return found !== null && (await write(to, found.body as AsyncIterable<Buffer>)) === artifact.sha256;
}
