/** Step 4: every tile that the pyramid calls for is at the destination, with the right size and digest; the release too. */
import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import pLimit from "p-limit";
import { AppError } from "../../src/errors.ts";
import { headerBytes } from "../../src/releases/release-document.ts";
import { readManifest, type ManifestTile } from "../../src/releases/tile-manifest.ts";
import * as keys from "../../src/storage/keys.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import type { Problem } from "../../contract/publish.ts";
import { inStep, type ActivityDeps } from "../steps.ts";
import type { AfterGenerate } from "./step-input.ts";

const AT_A_TIME = 8;
const BATCH = 64;
/** Enough to see what happened; the count tells the rest. */
const MAX_NAMED = 100;

/** Errors: tiles_damaged (final, names up to 100 of them). What is damaged is removed, so that the next upload mends it. */
export async function verifyTiles(deps: ActivityDeps, input: AfterGenerate): Promise<{ verified: number }> {
  const { target, validated, generated } = input;
  return inStep(
    deps,
    input.job,
    { name: "verify_tiles", begins: `Verifying ${validated.tile_count} tiles` },
    async (tools) => {
      const store = deps.stores.public;
      const limit = pLimit(AT_A_TIME);
      const resume = tools.resume as { index: number } | undefined;
      let index = resume?.index ?? 0;
      if (index > 0) await tools.log(`Resuming at tile ${index + 1} of ${validated.tile_count}`);
      const damaged: Problem[] = [];
      for await (const batch of readManifest(deps.stores.private, generated.manifest_key, index, BATCH)) {
        tools.signal.throwIfAborted();
        const found = await Promise.all(
          batch.map((tile) => limit(() => checkTile(store, keyOf(tile), tile, tools.signal))),
        );
        damaged.push(...found.filter((problem) => problem !== null));
        index += batch.length;
        // Damage is found again by the next attempt: it resumes behind the last batch that was whole.
        tools.report(
          index / validated.tile_count,
          `${index} of ${validated.tile_count} tiles verified`,
          damaged.length === 0 ? { index } : resume,
        );
      }
      if (index !== validated.tile_count) {
        damaged.push({
          code: "tile_missing",
          path: "/tiles",
          message: `The manifest has ${index} tiles, the pyramid calls for ${validated.tile_count}.`,
        });
      }
      damaged.push(...(await checkRelease(deps, input)));
      const [first] = damaged;
      if (first) {
        throw new AppError(
          "tiles_damaged",
          { count: damaged.length, first: `${first.path}: ${first.message}` },
          { problems: damaged.slice(0, MAX_NAMED) },
        );
      }
      return { result: { verified: index }, message: `Verified ${index} tiles at the destination` };
    },
  );

  function keyOf(tile: ManifestTile): string {
    return keys.publicTileKey(target.project, generated.tile_set_digest, tile.key);
  }
}

async function checkTile(
  store: ObjectStore,
  key: string,
  tile: ManifestTile,
  signal: AbortSignal,
): Promise<Problem | null> {
  const path = `/tiles/${tile.key}`;
  const found = await store.get(key);
  if (!found) return { code: "tile_missing", path, message: `${key} is not there.` };
  if (found.info.size !== tile.size) {
    found.body.destroy();
    await store.delete(key);
    return { code: "tile_damaged", path, message: `${key} has ${found.info.size} bytes and should have ${tile.size}.` };
  }
  const hash = createHash("sha256");
  await pipeline(found.body, hash, { signal });
  if (hash.digest("hex") === tile.sha256) return null;
  await store.delete(key);
  return { code: "tile_damaged", path, message: `${key} has other bytes than were imported (SHA-256 differs).` };
}

/** The document's content must have the digest that its header says. */
async function checkRelease(deps: ActivityDeps, { target, validated, generated }: AfterGenerate): Promise<Problem[]> {
  const { release_id, published_at } = validated;
  const head = headerBytes({
    release_id,
    project: target.project,
    version: target.version,
    published_at,
    digest: generated.digest,
  });
  const key = keys.releaseKey(target.project, release_id);
  const found = await deps.stores.public.get(key, { start: head.byteLength, end: Number.MAX_SAFE_INTEGER });
  if (!found) return [{ code: "asset_missing", path: "/release.json", message: `${key} is not there.` }];
  const hash = createHash("sha256").update("{");
  await pipeline(found.body, hash);
  if (hash.digest("hex") === generated.digest) return [];
  await deps.stores.public.delete(key);
  return [
    { code: "asset_missing", path: "/release.json", message: `${key} does not have the digest ${generated.digest}.` },
  ];
}
