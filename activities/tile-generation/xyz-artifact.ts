/** The XYZ pyramid of a picture, where it was asked for, as an artifact of the job. */
import { join } from "node:path";
import type { XyzPyramid } from "../../contract/tile-generation.ts";
import { draftOf } from "../../src/tiles/cut/cut-plan.ts";
import type { CutPlan } from "../../src/tiles/cut/picture-messages.ts";
import { runPictureChild } from "../../src/tiles/cut/run-picture-child.ts";
import { xyzTiles, zipXyz } from "../../src/tiles/cut/xyz.ts";
import { keepMade } from "../keep-made.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import type { AfterMeasure } from "./step-input.ts";

/** How much of the step is done before, and how often that is said. */
const NEARLY = 0.99;
const ALIVE_MS = 1_000;

/** Errors: superseded, those of the cutting. */
export async function putXyz(
  deps: ActivityDeps,
  { target: { tenant }, measured: { width, height } }: AfterMeasure,
  tools: StepTools,
  { picture, scratch, plan }: { picture: string; scratch: string; plan: Omit<CutPlan, "layout"> },
): Promise<XyzPyramid> {
  const { row, signal, report } = tools;
  const into = join(scratch, "xyz");
  const cut = { ...plan, overlap: 0, layout: "google" as const, into };
  const alive = setInterval(() => report(NEARLY, "Cutting the XYZ pyramid"), ALIVE_MS);
  await runPictureChild({ picture, scratch, cut }, deps.pictures, { doing: "cut for XYZ", signal }).finally(() =>
    clearInterval(alive),
  );
  const tiles = [...xyzTiles({ width, height, tile_size: plan.tile_size })];
  const { project, version } = draftOf(row.payload);
  const name = `${project}-v${version}-xyz.zip`;
  const made = { what: "xyz", tenant, kind: "result" as const, name, media_type: "application/zip", expires_at: null };
  const { id, size, sha256 } = await keepMade(deps, tools, made, zipXyz(into, tiles, plan.format));
  const max_zoom = tiles.at(-1)?.z ?? 0;
  return { artifact: id, sha256, bytes: size, tile_count: tiles.length, max_zoom, tile_size: plan.tile_size };
}
