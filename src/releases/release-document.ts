/**
 * `release.json`, one flat document: a header, then the content. The content's canonical bytes are hashed and kept; the header
 * is put before them, so a release and every pointer to it share the content byte for byte.
 */
import { Readable } from "node:stream";
import type { PublishResult } from "../../contract/publish.ts";
import { AppError } from "../errors.ts";
import { pointerUrl, releaseKey } from "../storage/keys.ts";
import type { ObjectStore, Stores } from "../storage/object-store.ts";

export interface ReleaseHeader {
  release_id: string;
  /** Slug. */
  project: string;
  version: number;
  /** ISO 8601. */
  published_at: string;
  /** SHA-256 of the content's canonical bytes, lower-case hex. */
  digest: string;
}

export interface LiveHeader {
  environment: string;
  epoch: number;
  nonce: string;
}

/** The document up to where the content's first member begins: `{"release_id":…,"digest":"…",`. */
export function headerBytes(header: ReleaseHeader, live?: LiveHeader): Buffer {
  const { release_id, project, version, published_at, digest } = header;
  const ordered = { release_id, project, version, published_at, digest, ...(live ? { live } : {}) };
  return Buffer.from(`${JSON.stringify(ordered).slice(0, -1)},`);
}

/** Header followed by what `store` holds under `key` from byte `start` on. Error: store_unavailable when it is not there. */
async function withHeader(head: Buffer, store: ObjectStore, key: string, start: number): Promise<Readable> {
  const found = await store.get(key, { start, end: Number.MAX_SAFE_INTEGER });
  if (!found) throw new AppError("store_unavailable", { key, reason: "the object is not there" });
  const { body } = found;
  const whole = Readable.from(
    (async function* () {
      yield head;
      yield* body;
    })(),
    { objectMode: false },
  );
  // A generator that never began does not end either: without this, a document that nobody reads keeps its file open.
  return whole.once("close", () => body.destroy());
}

/** The immutable document, from the staged content `{"config":…}`. */
export function releaseDocument(stores: Stores, header: ReleaseHeader, contentKey: string): Promise<Readable> {
  return withHeader(headerBytes(header), stores.private, contentKey, 1);
}

/** The pointer's document: the released one with `live` in its header. */
export function pointerDocument(
  stores: Stores,
  live: { project: string; version: number; release_id: string; digest: string; published_at: string } & LiveHeader,
): Promise<Readable> {
  const { environment, epoch, nonce } = live;
  const start = headerBytes(live).byteLength;
  return withHeader(
    headerBytes(live, { environment, epoch, nonce }),
    stores.public,
    releaseKey(live.project, live.release_id),
    start,
  );
}

/** The result of a publish, from the records. */
export function publishResult(
  live: { environment: string; project: string },
  release: { id: string; overlay_count: number; tile_count: number; digest: string; published_at: string },
): PublishResult {
  return {
    release_id: release.id,
    release_url: pointerUrl(live.environment, live.project),
    overlay_count: release.overlay_count,
    tile_count: release.tile_count,
    digest: release.digest,
    published_at: release.published_at,
  };
}
