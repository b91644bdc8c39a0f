/**
 * Step 3: everything under its digest into the public store, and only what is missing. Nothing here is reachable for viewers:
 * the gateway serves released releases only, and the switch comes last.
 */
import pLimit from "p-limit";
import type { UploadedRelease } from "../../contract/publish.ts";
import { AppError } from "../../src/errors.ts";
import { headerBytes, releaseDocument } from "../../src/releases/release-document.ts";
import { claimPrefixes } from "../../src/releases/release-store.ts";
import { readManifest, type ManifestTile } from "../../src/releases/tile-manifest.ts";
import * as keys from "../../src/storage/keys.ts";
import { printDescriptor } from "../../src/tiles/descriptor.ts";
import { inStep, type ActivityDeps, type StepTools } from "../steps.ts";
import type { AfterGenerate } from "./step-input.ts";

/** Where an attempt goes on: tiles before `index` are in the public store. */
interface Resume extends UploadedRelease {
  index: number;
}

/** Tiles in flight at a time, and tiles between two reports. */
const AT_A_TIME = 16;
const BATCH = 64;

/** Errors: source_tile_damaged (final), store_unavailable, store_full (both retried). */
export async function upload(deps: ActivityDeps, input: AfterGenerate): Promise<UploadedRelease> {
  const { target, validated, generated } = input;
  return inStep(
    deps,
    input.job,
    { name: "upload", begins: `Uploading ${validated.tile_count} tiles and ${validated.release_id}` },
    async (tools) => {
      const db = deps.database.em.fork();
      const prefix = keys.publicTilesPrefix(target.project, generated.tile_set_digest);
      const release = keys.releaseKey(target.project, validated.release_id);
      const { tenant_id, project_id, id: job_id } = tools.row;
      await claimPrefixes(db, { tenant_id, project_id, job_id, prefixes: [prefix, release] });

      const done: Resume = { index: 0, uploaded: 0, reused: 0, ...(tools.resume as Resume | undefined) };
      if (done.index > 0) await tools.log(`Resuming at tile ${done.index + 1} of ${validated.tile_count}`);
      const limit = pLimit(AT_A_TIME);
      for await (const batch of readManifest(deps.stores.private, generated.manifest_key, done.index, BATCH)) {
        tools.signal.throwIfAborted();
        const copied = await Promise.all(batch.map((tile) => limit(() => copyTile(deps, input, tile, tools.signal))));
        done.uploaded += copied.filter(Boolean).length;
        done.reused += copied.filter((each) => !each).length;
        done.index += batch.length;
        tools.report(
          done.index / (validated.tile_count + 1),
          `${done.index} of ${validated.tile_count} tiles uploaded`,
          { ...done },
        );
      }

      const descriptor = keys.publicDescriptorKey(target.project, generated.tile_set_digest);
      await deps.stores.public.put(descriptor, Buffer.from(printDescriptor(generated.tile_set)));
      await putRelease(deps, input, release, tools);
      const { uploaded, reused } = done;
      return {
        result: { uploaded, reused },
        message: `Uploaded ${uploaded} tiles (${reused} were there already) and ${validated.release_id}`,
      };
    },
  );
}

/** True when it had to be copied. */
async function copyTile(
  deps: ActivityDeps,
  { target, generated }: AfterGenerate,
  tile: ManifestTile,
  signal: AbortSignal,
): Promise<boolean> {
  const to = keys.publicTileKey(target.project, generated.tile_set_digest, tile.key);
  if ((await deps.stores.public.head(to))?.size === tile.size) return false;
  const from = await deps.stores.private.get(
    keys.draftTileKey(target.tenant, target.project, target.version, tile.key),
  );
  if (!from) throw new AppError("source_tile_damaged", { key: tile.key, what: "missing" });
  const put = await deps.stores.public.put(to, from.body, { signal });
  if (put.sha256 === tile.sha256) return true;
  // Its name promises other bytes: take it away before anyone skips it.
  await deps.stores.public.delete(to);
  throw new AppError("source_tile_damaged", { key: tile.key, what: "not what was imported (SHA-256 differs)" });
}

/** Writes the release's document unless it is there: one per (version, revision), so equal size means equal bytes. */
async function putRelease(
  deps: ActivityDeps,
  { target, validated, generated }: AfterGenerate,
  key: string,
  tools: StepTools,
): Promise<void> {
  const { release_id, published_at } = validated;
  const header = {
    release_id,
    project: target.project,
    version: target.version,
    published_at,
    digest: generated.digest,
  };
  const size = headerBytes(header).byteLength + generated.bytes - 1;
  if ((await deps.stores.public.head(key))?.size === size) return;
  const body = await releaseDocument(deps.stores, header, generated.content_key);
  await deps.stores.public.put(key, body, { signal: tools.signal });
}
