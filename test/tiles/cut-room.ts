/** Pictures cut into folders by the product's own process, as a job does it. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Descriptor } from "../../src/tiles/dzi.ts";
import { planOf, pyramidOf, requireCuttable } from "../../src/tiles/cut/cut-plan.ts";
import { cutTiles } from "../../src/tiles/cut/cut-tiles.ts";
import type { PictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import { runPictureChild } from "../../src/tiles/cut/run-picture-child.ts";
import { inScratch } from "../../src/tiles/cut/scratch.ts";
import type { TileGenerationPayload } from "../../contract/tile-generation.ts";

export interface Cut {
  folder: string;
  pyramid: Descriptor;
}

export const LIMITS = { pixels: 300_000_000, seconds: 60, memory_mb: 1_024 };

/** One per test file; the scratch folder goes with it. */
export function cutRoom() {
  const room = { scratch: "" };
  beforeAll(async () => {
    room.scratch = await mkdtemp(join(tmpdir(), "platen-cut-"));
  });
  afterAll(() => rm(room.scratch, { recursive: true, force: true }));
  const settings = (limits: Partial<PictureSettings>): PictureSettings => ({
    scratch: room.scratch,
    ...LIMITS,
    ...limits,
  });

  /** Measures and cuts, and shows what there is before it is thrown away. */
  async function cut<T>(
    bytes: Buffer | string,
    asked: Partial<TileGenerationPayload>,
    look: (cut: Cut) => Promise<T>,
    how: Partial<PictureSettings> & { signal?: AbortSignal } = {},
  ): Promise<T> {
    const { signal = new AbortController().signal, ...limits } = how;
    return inScratch(room.scratch, async (scratch) => {
      const picture = join(scratch, "picture");
      await writeFile(picture, bytes);
      const size = await runPictureChild({ picture, scratch }, settings(limits), { doing: "measured", signal });
      const plan = planOf(asked);
      requireCuttable(size, plan, settings(limits).pixels);
      const pyramid = pyramidOf(size, plan);
      const onTiles = (): void => undefined;
      const folder = await cutTiles({
        ...{ picture, scratch, plan, pyramid, settings: settings(limits), signal, onTiles },
      });
      return look({ folder, pyramid });
    });
  }

  return {
    settings,
    cut,
    /** What is in the scratch folder. */
    left: () => readdir(room.scratch),
  };
}
