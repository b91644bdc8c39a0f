/** tile_generation: measure the picture, cut it, attach the tiles to the draft in one edit. */
import type { JobInput } from "../contract/job-input.ts";
import type { TileGenerationResult } from "../contract/tile-generation.ts";
import { proxy, READING, WRITING } from "./activity-options.ts";
import { runJob } from "./run-job.ts";

const activities = {
  measurePicture: proxy("measurePicture", READING),
  generateTiles: proxy("generateTiles", WRITING),
  attachTiles: proxy("attachTiles", WRITING),
};

export async function tileGeneration(input: JobInput): Promise<TileGenerationResult> {
  return runJob("tile_generation", input, async ({ job, target, step, summary }) => {
    const measured = await step("measure", () =>
      activities.measurePicture.executeWithOptions(summary("measure"), [{ job, target }]),
    );
    const cut = await step("generate", () =>
      activities.generateTiles.executeWithOptions(summary("generate"), [{ job, target, measured }]),
    );
    return step("attach", () =>
      activities.attachTiles.executeWithOptions(summary("attach"), [{ job, target, measured, cut }]),
    );
  });
}
