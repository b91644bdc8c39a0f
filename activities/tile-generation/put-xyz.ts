/** The XYZ pyramid of a picture, where it was asked for, as an artifact of the job. */
import { join } from "node:path";
import type { XyzPyramid } from "../../contract/tile-generation.ts";
import { artifactIdOf, keepArtifact } from "../../src/artifacts/keep-artifact.ts";
import { draftOf } from "../../src/tiles/cut/cut-plan.ts";
import type { CutPlan } from "../../src/tiles/cut/picture-messages.ts";
import { runPictureChild } from "../../src/tiles/cut/run-picture-child.ts";
import { xyzTiles, zipXyz } from "../../src/tiles/cut/xyz.ts";
import type { ActivityDeps, StepTools } from "../steps.ts";
import type { AfterMeasure } from "./step-input.ts";

/** How much of the step is done before, and how often that is said. */
const NEARLY = 0.99;
const ALIVE_MS = 1_000;

/** The same again is the same artifact. Errors: those of the cutting. */
export async function putXyz(
  { database, stores, pictures }: ActivityDeps,
  { target: { tenant }, measured: { width, height } }: AfterMeasure,
  { row, signal, report }: StepTools,
  { picture, scratch, plan }: { picture: string; scratch: string; plan: Omit<CutPlan, "layout"> },
): Promise<XyzPyramid> {
  const into = join(scratch, "xyz");
  const cut = { ...plan, overlap: 0, layout: "google" as const, into };
  const alive = setInterval(() => report(NEARLY, "Cutting the XYZ pyramid"), ALIVE_MS);
  await runPictureChild({ picture, scratch, cut }, pictures, { doing: "cut for XYZ", signal }).finally(() =>
    clearInterval(alive),
  );
  const tiles = [...xyzTiles({ width, height, tile_size: plan.tile_size })];
  const { project, version } = draftOf(row.payload);
  const { id, size, sha256 } = await keepArtifact(
    { db: database.em.fork(), store: stores.private },
    {
      ...{ id: artifactIdOf(row.id, "xyz"), tenant_id: row.tenant_id, tenant, project_id: row.project_id },
      ...{ kind: "result", job_id: row.id, created_by: null, expires_at: null },
      ...{ name: `${project}-v${version}-xyz.zip`, media_type: "application/zip" },
    },
    zipXyz(into, tiles, plan.format),
    signal,
  );
  const max_zoom = tiles.at(-1)?.z ?? 0;
  return { artifact: id, sha256, bytes: size, tile_count: tiles.length, max_zoom, tile_size: plan.tile_size };
}
