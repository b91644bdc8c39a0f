/**
 * Putting objects into the public store, where other releases may share them: only what is missing or damaged is written, never
 * anything but the bytes that the name promises, and nothing is ever deleted.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AppError } from "../../src/errors.ts";
import { headerBytes, releaseDocument, type ReleaseHeader } from "../../src/releases/release-document.ts";
import type { ManifestTile } from "../../src/releases/tile-manifest.ts";
import * as keys from "../../src/storage/keys.ts";
import {
  DigestMismatch,
  type ObjectFault,
  type ObjectStore,
  type PromisedObject,
  type Stores,
} from "../../src/storage/object-store.ts";
import { printDescriptor } from "../../src/tiles/descriptor.ts";
import type { AfterGenerate } from "./step-input.ts";

/** Copies those tiles that are not there from the draft; answers how many. Errors: source_tile_damaged (names the first). */
export async function copyTiles(
  stores: Stores,
  input: AfterGenerate,
  tiles: readonly ManifestTile[],
  signal: AbortSignal,
): Promise<number> {
  const objects = tiles.map((tile) => ({
    from: sourceKey(input, tile),
    to: promisedTile(input, tile),
  }));
  const outcomes = await stores.transfer.copy(objects, { signal });
  for (const [at, outcome] of outcomes.entries()) {
    if (typeof outcome !== "object") continue;
    const what = outcome.kind === "absent" ? "missing" : DIFFERS;
    throw new AppError("source_tile_damaged", { key: tiles[at]?.key, what });
  }
  return outcomes.filter((outcome) => outcome === "copied").length;
}

const DIFFERS = "not what was imported: its size or SHA-256 differs";

/** Where the draft has the tile. */
function sourceKey({ target }: AfterGenerate, tile: ManifestTile): string {
  return keys.tileObjectKey({ tenant: target.tenant, project: target.project, number: target.version }, tile);
}

/** Puts one tile from the draft in the place of whatever is there. Errors: source_tile_damaged (the draft's tile is not what was imported). */
export async function putTile(
  stores: Stores,
  input: AfterGenerate,
  tile: ManifestTile,
  signal: AbortSignal,
): Promise<void> {
  const from = await stores.private.get(sourceKey(input, tile));
  if (!from) throw new AppError("source_tile_damaged", { key: tile.key, what: "missing" });
  const to = publicTileKey(input, tile);
  const promised = { sha256: tile.sha256, size: tile.size, signal };
  await stores.public.put(to, from.body, promised).catch((error: unknown) => {
    if (!(error instanceof DigestMismatch)) throw error;
    throw new AppError("source_tile_damaged", { key: tile.key, what: DIFFERS }, { cause: error });
  });
}

export function publicTileKey({ target, generated }: AfterGenerate, tile: { key: string }): string {
  return keys.publicTileKey(target.project, generated.tile_set_digest, tile.key);
}

/** The tile as it has to be at the destination. */
export function promisedTile(input: AfterGenerate, tile: ManifestTile): PromisedObject {
  return { key: publicTileKey(input, tile), size: tile.size, sha256: tile.sha256 };
}

export function headerOf({ target, validated, generated }: AfterGenerate): ReleaseHeader {
  const { release_id, published_at } = validated;
  return { release_id, project: target.project, version: target.version, published_at, digest: generated.digest };
}

/** The pyramid's `tiles.dzi`. */
function descriptorOf({ target, generated }: AfterGenerate): { key: string; body: Buffer } {
  const key = keys.publicDescriptorKey(target.project, generated.tile_set_digest);
  return { key, body: Buffer.from(printDescriptor(generated.tile_set)) };
}

export async function putDescriptor(stores: Stores, input: AfterGenerate): Promise<void> {
  const { key, body } = descriptorOf(input);
  await stores.public.put(key, body);
}

/** What is wrong with the `tiles.dzi` at the destination, or null. */
export async function descriptorFault(
  store: ObjectStore,
  input: AfterGenerate,
  signal: AbortSignal,
): Promise<ObjectFault | null> {
  const { key, body } = descriptorOf(input);
  const promised = { key, size: body.byteLength, sha256: createHash("sha256").update(body).digest("hex") };
  return (await store.inspect([promised], { read: "bytes", signal })).faults[0] ?? null;
}

/** Writes the release's document. Error: release_invalid when the staged content does not have the release's digest. */
export async function putRelease(stores: Stores, input: AfterGenerate, signal: AbortSignal): Promise<void> {
  const header = headerOf(input);
  const document = await releaseDocument(stores, header, input.generated.content_key);
  const checked = Readable.from(checkedDocument(document, headerBytes(header).byteLength, input.generated.digest), {
    objectMode: false,
  });
  // Nobody may ever read it: then the document, which holds a file, ends with it.
  checked.once("close", () => document.destroy());
  await stores.public.put(keys.releaseKey(input.target.project, header.release_id), checked, { signal });
}

/** The document as it is; fails at its end if the content in it has another digest, so that it is not put in place. */
async function* checkedDocument(document: Readable, headerLength: number, digest: string): AsyncGenerator<Buffer> {
  const hash = createHash("sha256").update("{");
  let header = headerLength;
  for await (const chunk of document as AsyncIterable<Buffer>) {
    const skipped = Math.min(header, chunk.byteLength);
    header -= skipped;
    hash.update(chunk.subarray(skipped));
    yield chunk;
  }
  if (hash.digest("hex") !== digest) {
    throw new AppError("release_invalid", { path: "/digest", reason: "the staged content has another digest by now" });
  }
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
