/** How a job's payload wants its picture to be cut. */
import { CUT_DEFAULTS, SIZE_DEFAULTS, type TileGenerationPayload } from "../../../contract/tile-generation.ts";
import { AppError } from "../../errors.ts";
import { tileCount, type Descriptor } from "../dzi.ts";
import type { CutPlan } from "./picture-messages.ts";

/** More of them than a picture of a gigapixel has in tiles of 64; their names are held in memory while they are put in order. */
const MAX_CUT_TILES = 500_000;

/** What the request left open is as the defaults say. */
export function planOf(payload: object): Omit<CutPlan, "layout"> {
  const asked = payload as Partial<TileGenerationPayload>;
  const layout = asked.layout ?? CUT_DEFAULTS.layout;
  const { tile_size, overlap, format, quality } = { ...CUT_DEFAULTS, ...SIZE_DEFAULTS[layout], ...asked };
  return { tile_size, overlap, format, quality, background: asked.background ?? null };
}

/** The pyramid that the plan makes of a picture. */
export function pyramidOf(
  { width, height }: { width: number; height: number },
  { tile_size, overlap, format }: Pick<CutPlan, "tile_size" | "overlap" | "format">,
): Descriptor & { format: CutPlan["format"] } {
  return { width, height, tile_size, overlap, format };
}

/** Answers how many tiles that makes. Error: picture_too_large, with the limit that is passed. */
export function requireCuttable(
  size: { width: number; height: number },
  plan: Omit<CutPlan, "layout">,
  pixels: number,
): number {
  const told = `it has ${size.width} × ${size.height} pixels`;
  if (size.width * size.height > pixels)
    throw new AppError("picture_too_large", { reason: `${told}, and at most ${pixels} in all are allowed` });
  const tiles = tileCount(pyramidOf(size, plan));
  if (tiles > MAX_CUT_TILES)
    throw new AppError("picture_too_large", {
      reason: `${told}, which call for ${tiles} tiles of ${plan.tile_size}, and at most ${MAX_CUT_TILES} are cut; larger tiles are fewer`,
    });
  return tiles;
}

/** Which draft a payload names. */
export function draftOf(payload: object): { project: string; version: number } {
  const { project, version } = payload as TileGenerationPayload;
  return { project, version };
}
