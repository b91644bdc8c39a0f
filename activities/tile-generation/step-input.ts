/** What each activity of a tile generation is called with. */
import type { StepInput } from "../../contract/job-input.ts";
import type { CutTiles, MeasuredPicture } from "../../contract/tile-generation.ts";

export interface AfterMeasure extends StepInput {
  measured: MeasuredPicture;
}

export interface AfterCut extends AfterMeasure {
  cut: CutTiles;
}
