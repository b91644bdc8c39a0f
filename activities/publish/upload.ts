/**
 * Step 3: everything under its digest into the public store, and only what is missing. Nothing here is reachable for viewers:
 * the gateway serves released releases only, and the switch comes last.
 */
import type { UploadedRelease } from "../../contract/publish.ts";
import { claimPrefixes } from "../../src/releases/release-store.ts";
import { readManifest } from "../../src/releases/tile-manifest.ts";
import { inParallel } from "../../src/storage/in-parallel.ts";
import * as keys from "../../src/storage/keys.ts";
import { printDescriptor } from "../../src/tiles/descriptor.ts";
import { inStep, type ActivityDeps } from "../steps.ts";
import { publicTileKey, putRelease, putTile } from "./put-public.ts";
import type { AfterGenerate } from "./step-input.ts";

/** Where an attempt goes on: tiles before `index` are in the public store. */
interface Resume extends UploadedRelease {
  index: number;
}

/** Tiles in flight at a time, and tiles between two reports. */
const AT_A_TIME = 16;
const BATCH = 64;

/** Errors: source_tile_damaged, release_invalid (both final), store_unavailable, store_full (both retried). */
export async function upload(deps: ActivityDeps, input: AfterGenerate): Promise<UploadedRelease> {
  const { target, validated, generated } = input;
  const begins = `Uploading ${validated.tile_count} tiles and ${validated.release_id}`;
  return inStep(deps, input, { name: "upload", begins }, async (tools) => {
    const { signal } = tools;
    const prefix = keys.publicTilesPrefix(target.project, generated.tile_set_digest);
    const release = keys.releaseKey(target.project, validated.release_id);
    const { tenant_id, project_id, id: job_id } = tools.row;
    await claimPrefixes(deps.database.em.fork(), { tenant_id, project_id, job_id, prefixes: [prefix, release] });

    const done: Resume = { index: 0, uploaded: 0, reused: 0, ...(tools.resume as Resume | undefined) };
    if (done.index > 0) await tools.log(`Resuming at tile ${done.index + 1} of ${validated.tile_count}`);
    for await (const batch of readManifest(deps.stores.private, generated.manifest_key, done.index, BATCH)) {
      const copied = await inParallel(batch, { atATime: AT_A_TIME, signal }, async (tile) => {
        if ((await deps.stores.public.head(publicTileKey(input, tile)))?.size === tile.size) return 0;
        await putTile(deps.stores, input, tile, signal);
        return 1;
      });
      const uploaded = copied.filter(Boolean).length;
      done.uploaded += uploaded;
      done.reused += batch.length - uploaded;
      done.index += batch.length;
      const message = `${done.index} of ${validated.tile_count} tiles uploaded`;
      tools.report(done.index / (validated.tile_count + 1), message, { ...done });
    }

    const descriptor = keys.publicDescriptorKey(target.project, generated.tile_set_digest);
    const xml = Buffer.from(printDescriptor(generated.tile_set));
    if ((await deps.stores.public.head(descriptor))?.size !== xml.byteLength)
      await deps.stores.public.put(descriptor, xml);
    // Whatever is there under this release's name is verified in the next step, and mended there if need be.
    if ((await deps.stores.public.head(release)) === null) await putRelease(deps.stores, input, signal);
    const { uploaded, reused } = done;
    const message = `Uploaded ${uploaded} tiles (${reused} were there already) and ${validated.release_id}`;
    return { result: { uploaded, reused }, message };
  });
}
