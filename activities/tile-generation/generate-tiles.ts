/**
 * Step 2: the tiles, cut by a process of its own, into the private store, and their manifest. Nothing of it can be seen in the draft: each tile lies
 * under its digest, so an attempt that goes on after its successor has begun writes what is there already.
 */
import { join } from "node:path";
import { Readable } from "node:stream";
import type { CutTiles, TileGenerationPayload } from "../../contract/tile-generation.ts";
import { AppError } from "../../src/errors.ts";
import { findArtifact } from "../../src/artifacts/artifact-store.ts";
import { fetchPicture } from "../../src/projects/put-source-picture.ts";
import { cutManifestKey, cutTilesPrefix } from "../../src/storage/keys.ts";
import { tileCount, type Descriptor } from "../../src/tiles/dzi.ts";
import { draftOf, planOf, pyramidOf } from "../../src/tiles/cut/cut-plan.ts";
import { cutTiles, takeTiles } from "../../src/tiles/cut/cut-tiles.ts";
import { inScratch } from "../../src/tiles/cut/scratch.ts";
import { createTileSetDigest } from "../../src/tiles/tile-set-digest.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inStep } from "../steps.ts";
import { holdCutTiles } from "./cut-tile-claims.ts";
import { lost } from "./measure-picture.ts";
import { putXyz } from "./xyz-artifact.ts";
import type { AfterMeasure } from "./step-input.ts";

/** How much of the step is cutting; the rest is hashing and putting. */
const CUTTING = 0.85;

/**
 * An attempt that was killed begins anew, since half a pyramid cannot be gone on with; what it had put is not put again.
 * Errors: picture_unreadable, picture_too_large, picture_timeout, picture_memory (final), store_unavailable, store_full (retried).
 */
export async function generateTiles(deps: ActivityDeps, input: AfterMeasure): Promise<CutTiles> {
  const { measured } = input;
  return inStep(deps, input, { name: "generate", begins: "Cutting the tiles" }, (tools) =>
    inScratch(deps.pictures.scratch, async (scratch) => {
      const plan = planOf(tools.row.payload);
      const pyramid = pyramidOf(measured, plan);
      const total = tileCount(pyramid);
      const picture = join(scratch, "picture");
      await fetchSource(deps, input, tools, picture);
      const { settings, signal } = { settings: deps.pictures, signal: tools.signal };
      const onTiles = (count: number): void =>
        tools.report((CUTTING * count) / total, `${count} of ${total} tiles cut`);
      const folder = await cutTiles({ picture, scratch, plan, pyramid, settings, signal, onTiles });
      const cut = await putTiles(deps, input, tools, { folder, pyramid, total });
      const { layout } = tools.row.payload as Pick<TileGenerationPayload, "layout">;
      const xyz = layout === "xyz" ? await putXyz(deps, input, tools, { picture, scratch, plan }) : null;
      const kept = cut.put < total ? ` (${total - cut.put} were there already)` : "";
      return {
        result: { ...cut, xyz },
        message: `Cut ${total} tiles${kept}, digest ${cut.digest.slice(0, 12)}…`,
      };
    }),
  );
}

async function fetchSource(
  { database, stores }: ActivityDeps,
  { measured }: AfterMeasure,
  { row }: StepTools,
  picture: string,
): Promise<void> {
  const artifact = await findArtifact(database.em.fork(), { tenant_id: row.tenant_id, id: measured.artifact });
  if (!artifact) throw new AppError("picture_missing", draftOf(row.payload));
  if (!(await fetchPicture(stores.private, { ...artifact, sha256: measured.sha256 }, picture))) throw lost();
}

/** Each tile as an object, then the manifest that names them all. */
async function putTiles(
  deps: ActivityDeps,
  { target: { tenant }, measured: { revision } }: AfterMeasure,
  { row, signal, report }: StepTools,
  {
    folder,
    pyramid,
    total,
  }: { folder: string; pyramid: Descriptor & Pick<CutTiles["tile_set"], "format">; total: number },
): Promise<Omit<CutTiles, "xyz">> {
  const { stores } = deps;
  const { project, version } = draftOf(row.payload);
  const prefix = cutTilesPrefix(tenant, project);
  await holdCutTiles(deps, { row, prefix, signal });
  const set = createTileSetDigest(pyramid);
  let [count, put, bytes] = [0, 0, 0];
  const lines = async function* (): AsyncGenerator<string> {
    for await (const tiles of takeTiles({ intake: stores.intake, prefix, folder, pyramid, signal })) {
      for (const tile of tiles) {
        set.add(tile);
        bytes += tile.size;
        if (tile.put) put += 1;
      }
      count += tiles.length;
      report(CUTTING + ((1 - CUTTING) * count) / (total + 1), `${count} of ${total} tiles put`);
      yield tiles.map(({ key, size, sha256 }) => `${JSON.stringify({ key, size, sha256 })}\n`).join("");
    }
    await stores.intake.flush();
  };
  const manifest_key = cutManifestKey(tenant, project, version, row.id);
  await stores.private.put(manifest_key, Readable.from(lines(), { objectMode: false }), { signal });
  return { revision, manifest_key, digest: set.digest(), tile_set: pyramid, tile_count: total, bytes, put };
}
