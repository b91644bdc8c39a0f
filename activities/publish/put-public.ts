/**
 * Putting objects into the public store, where other releases may share them: only what is missing or damaged is written, never
 * anything but the bytes that the name promises, and nothing is ever deleted.
 */
import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { AppError } from "../../src/errors.ts";
import { headerBytes, releaseDocument, type ReleaseHeader } from "../../src/releases/release-document.ts";
import type { ManifestTile } from "../../src/releases/tile-manifest.ts";
import * as keys from "../../src/storage/keys.ts";
import { DigestMismatch, type ObjectStore, type Stores } from "../../src/storage/object-store.ts";
import type { AfterGenerate } from "./step-input.ts";

/** Copies one tile from the draft. Errors: source_tile_damaged (the draft's tile is not what was imported). */
export async function putTile(
  stores: Stores,
  input: AfterGenerate,
  tile: ManifestTile,
  signal: AbortSignal,
): Promise<void> {
  const { tenant, project, version } = input.target;
  const from = await stores.private.get(keys.draftTileKey(tenant, project, version, tile.key));
  if (!from) throw new AppError("source_tile_damaged", { key: tile.key, what: "missing" });
  const to = publicTileKey(input, tile);
  const promised = { sha256: tile.sha256, size: tile.size, signal };
  await stores.public.put(to, from.body, promised).catch((error: unknown) => {
    if (!(error instanceof DigestMismatch)) throw error;
    const what = "not what was imported: its size or SHA-256 differs";
    throw new AppError("source_tile_damaged", { key: tile.key, what }, { cause: error });
  });
}

export function publicTileKey({ target, generated }: AfterGenerate, tile: { key: string }): string {
  return keys.publicTileKey(target.project, generated.tile_set_digest, tile.key);
}

export function headerOf({ target, validated, generated }: AfterGenerate): ReleaseHeader {
  const { release_id, published_at } = validated;
  return { release_id, project: target.project, version: target.version, published_at, digest: generated.digest };
}

/** Writes the release's document. Error: release_invalid when the staged content does not have the release's digest. */
export async function putRelease(stores: Stores, input: AfterGenerate, signal: AbortSignal): Promise<void> {
  const { content_key, digest, bytes } = input.generated;
  const header = headerOf(input);
  const head = headerBytes(header);
  const staged = await stores.private.get(content_key);
  if (!staged) throw new AppError("store_unavailable", { key: content_key, reason: "the staged content is not there" });
  // Read twice: once to know what the document's bytes must be, once to write them.
  const [content, document] = [createHash("sha256"), createHash("sha256").update(head)];
  let first = true;
  await pipeline(
    staged.body,
    async function (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        content.update(chunk);
        document.update(first ? chunk.subarray(1) : chunk);
        first = false;
      }
    },
    { signal },
  );
  if (content.digest("hex") !== digest) {
    throw new AppError("release_invalid", { path: "/digest", reason: "the staged content has another digest by now" });
  }
  const promised = { sha256: document.digest("hex"), size: head.byteLength + bytes - 1, signal };
  const key = keys.releaseKey(input.target.project, header.release_id);
  await stores.public.put(key, await releaseDocument(stores, header, content_key), promised);
}

/** What is wrong with the document at the destination, or null. */
export async function releaseFault(
  store: ObjectStore,
  input: AfterGenerate,
  signal: AbortSignal,
): Promise<string | null> {
  const head = headerBytes(headerOf(input));
  const found = await store.get(keys.releaseKey(input.target.project, input.validated.release_id));
  if (!found) return "it is not there";
  const size = head.byteLength + input.generated.bytes - 1;
  if (found.info.size !== size) {
    found.body.destroy();
    return `it has ${found.info.size} bytes and should have ${size}`;
  }
  const hash = createHash("sha256").update("{");
  const seen: Buffer[] = [];
  let at = 0;
  await pipeline(
    found.body,
    async function (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        const cut = Math.max(0, Math.min(chunk.byteLength, head.byteLength - at));
        if (cut > 0) seen.push(chunk.subarray(0, cut));
        hash.update(chunk.subarray(cut));
        at += chunk.byteLength;
      }
    },
    { signal },
  );
  if (!Buffer.concat(seen).equals(head)) return "its header is another";
  return hash.digest("hex") === input.generated.digest ? null : "its content has another digest";
}
