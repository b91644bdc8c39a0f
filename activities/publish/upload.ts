/**
 * Step 3: everything under its digest into the public store, and only what is missing. Nothing here is reachable for viewers:
 * the gateway serves released releases only, and the switch comes last.
 */
import type { UploadedRelease } from "../../contract/publish.ts";
import { readManifest } from "../../src/releases/tile-manifest.ts";
import { findSeal } from "../../src/releases/verified-tile-set-store.ts";
import { inOrder } from "../../src/storage/in-parallel.ts";
import { publishTarget } from "../../src/jobs/protocol/attempt.ts";
import * as keys from "../../src/storage/keys.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inStep } from "../steps.ts";
import { holdPublicObjects } from "./hold-objects.ts";
import { copyTiles, publicTileKey, putDescriptor, putRelease } from "./put-public.ts";
import type { AfterGenerate } from "./step-input.ts";

/** Where an attempt goes on: tiles before `index` are in the public store. */
interface Resume extends UploadedRelease {
  index: number;
}

/** Tiles between two reports: some milliseconds. */
const BATCH = 64;
const BATCHES_AT_A_TIME = 4;
/** Up to so many tiles are flushed one by one (0.4 ms each); more of them with all that the file system has to write. */
const FLUSHED_SINGLY = 64;

/** Errors: source_tile_damaged, release_invalid (both final), store_unavailable, store_full, objects_being_removed (all retried). */
export async function upload(deps: ActivityDeps, input: AfterGenerate): Promise<UploadedRelease> {
  const { target, validated, generated } = input;
  const total = validated.tile_count;
  const begins = `Uploading ${total} tiles and ${validated.release_id}`;
  return inStep(deps, input, { name: "upload", begins }, async (tools) => {
    const { stores } = deps;
    const digest = generated.tile_set_digest;
    const release = keys.releaseKey(target.project, validated.release_id);
    const { project_id } = publishTarget(tools.row);
    const db = deps.database.em.fork();
    await holdPublicObjects(deps, input, tools.row, tools.signal);

    // A verified tile set is not looked at here: the next step looks at every tile of it, and mends what has been lost since.
    const verified = (await findSeal(db, { project_id, digest }, null)) !== null;
    const { uploaded, reused } = verified ? { uploaded: 0, reused: total } : await uploadTiles(deps, input, tools);

    // Whatever is there under these names is verified in the next step, and mended there if need be.
    if ((await stores.public.head(keys.publicDescriptorKey(target.project, digest))) === null)
      await putDescriptor(stores, input);
    if ((await stores.public.head(release)) === null) await putRelease(stores, input, tools.signal);
    const kept = verified ? "were verified before" : "were there already";
    const message = `Uploaded ${uploaded} tiles (${reused} ${kept}) and ${validated.release_id}`;
    return { result: { uploaded, reused }, message };
  });
}

/** Copies what is missing, from where the last attempt was; all of it survives a power cut then. */
async function uploadTiles(
  { stores }: ActivityDeps,
  input: AfterGenerate,
  { resume, signal, log, report }: StepTools,
): Promise<UploadedRelease> {
  const total = input.validated.tile_count;
  const done: Resume = { index: 0, uploaded: 0, reused: 0, ...(resume as Resume | undefined) };
  if (done.index > 0) await log(`Resuming at tile ${done.index + 1} of ${total}`);
  const batches = readManifest(stores.private, input.generated.manifest_key, done.index, BATCH);
  const copied = inOrder(batches, { atATime: BATCHES_AT_A_TIME, signal }, async (tiles) => ({
    keys: tiles.map((tile) => publicTileKey(input, tile)),
    uploaded: await copyTiles(stores, input, tiles, signal),
  }));
  const few: string[] = [];
  for await (const { keys, uploaded } of copied) {
    if (total <= FLUSHED_SINGLY) few.push(...keys);
    done.uploaded += uploaded;
    done.reused += keys.length - uploaded;
    done.index += keys.length;
    report(done.index / (total + 1), `${done.index} of ${total} tiles uploaded`, { ...done });
  }
  // Those that were there already may be another attempt's, which died before it flushed them.
  await stores.transfer.flush(total <= FLUSHED_SINGLY && few.length === total ? few : "all");
  return { uploaded: done.uploaded, reused: done.reused };
}
