/** Codes of single problems inside `errors` (of `version_invalid`, `GET …/publish/validate`, and of jobs that left something out). */
import { SVG_PROBLEMS } from "./svg-imports.ts";
import { ROW_PROBLEMS } from "./bulk-import.ts";

export const PROBLEMS = {
  config_missing: "The version has no config.",
  config_secret: "The config holds what looks like a secret; a release is public.",
  no_visible_overlay: "No overlay of the version is visible.",
  duplicate_ref: "Two overlays have the same ref.",
  duplicate_layer: "Two layers have the same ref.",
  geometry_invalid: "The geometry is not valid.",
  layer_unknown: "The overlay names a layer that the version does not have.",
  tiles_missing: "The version has no tile set.",
  tile_missing: "A tile that the pyramid calls for was not imported.",
  tile_damaged: "A tile at the destination is missing or damaged, and cannot be mended from the draft.",
  tile_unexpected: "A tile was imported that the pyramid does not call for.",
  asset_missing: "An imported object is not in the store any more.",
  ...SVG_PROBLEMS,
  ...ROW_PROBLEMS,
} as const;

export type ProblemCode = keyof typeof PROBLEMS;
