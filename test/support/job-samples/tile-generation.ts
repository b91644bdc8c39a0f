import { expect } from "vitest";
import { query } from "../../../src/db.ts";
import { expectedTiles } from "../../../src/tiles/dzi.ts";
import { picture, putSource } from "../pictures.ts";
import { versionOf, type JobSample } from "./sample.ts";

const [WIDTH, HEIGHT] = [700, 500];
const PYRAMID = { width: WIDTH, height: HEIGHT, tile_size: 254, overlap: 1, format: "jpeg" as const };

export const tileGeneration: JobSample = {
  type: "tile_generation",
  async happy(room, draft) {
    await putSource(room, draft, await picture(WIDTH, HEIGHT));
    return { project: draft.project, version: await versionOf(room, draft) };
  },
  failing: async (room, draft) => ({
    payload: { project: draft.project, version: await versionOf(room, draft) },
    code: "picture_missing",
  }),
  stalling: null,
  later: async (room, draft) => ({ project: draft.project, version: await versionOf(room, draft), tile_size: 126 }),
  busy: "generate",
  async expectDone(room, draft, result) {
    expect(result).toMatchObject({ ...PYRAMID, tile_count: 17 });
    const rows = await query<{ key: string; by_digest: boolean }>(
      room.database.em.fork(),
      `select key, by_digest from tiles where version_id = $1 order by key collate "C"`,
      [draft.version_id],
    );
    expect(rows.map(({ key }) => key)).toEqual([...expectedTiles(PYRAMID)].map(({ key }) => key).toSorted());
    expect(rows.every(({ by_digest }) => by_digest)).toBe(true);
  },
};
