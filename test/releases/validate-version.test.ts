import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { findVersion } from "../../src/projects/version-store.ts";
import { readinessProblems, validateVersion } from "../../src/releases/validate-version.ts";
import {
  createDraft,
  createPublishing,
  type Draft,
  type DraftOptions,
  type Publishing,
} from "../support/publishing.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing();
});
afterAll(() => room?.close());

async function problems(options: DraftOptions, change?: (draft: Draft, folder: string) => Promise<void>) {
  const draft = await createDraft(room, options);
  await change?.(draft, join(room.storeFolder, "private/harbour", draft.project, "versions/1/tiles"));
  const db = room.database.em.fork();
  const version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
  const found = await validateVersion(db, room.stores, version);
  return { found: found.problems, ready: await readinessProblems(db, version) };
}
const codes = (list: { code: string }[]) => list.map((each) => each.code);

describe("validateVersion", () => {
  it("finds nothing wrong with a good draft", async () => {
    expect(await problems({})).toEqual({ found: [], ready: [] });
  });

  it.each([
    ["no config", { config: null }, "config_missing", "/config"],
    ["a secret in the config", { config: { map: { api_key: "abc" } } }, "config_secret", "/config/map/api_key"],
    ["no overlay", { overlays: [] }, "no_visible_overlay", "/overlays"],
    ["only hidden overlays", { overlays: [{ visible: false }] }, "no_visible_overlay", "/overlays"],
    ["a ref twice", { overlays: [{ ref: "a/b" }, { ref: "a/b" }] }, "duplicate_ref", "/overlays/a~1b/ref"],
    ["an unknown layer", { overlays: [{ layer: "nowhere" }] }, "layer_unknown", "/overlays/plot-1/layer"],
    [
      "an open ring",
      {
        overlays: [
          {
            geometry: {
              type: "Polygon",
              coordinates: [
                [
                  [0, 0],
                  [1, 0],
                  [1, 1],
                  [0, 1],
                ],
              ],
            },
          },
        ],
      },
      "geometry_invalid",
      "/overlays/plot-1/geometry",
    ],
  ] as [string, DraftOptions, string, string][])("names %s", async (_, options, code, path) => {
    expect((await problems(options)).found).toMatchObject([{ code, path }]);
  });

  it("reports all problems at once", async () => {
    const { found, ready } = await problems({
      config: null,
      overlays: [
        { ref: "a", layer: "x" },
        { ref: "a", geometry: { type: "Point" } },
      ],
    });
    expect(codes(found).toSorted()).toEqual(["config_missing", "duplicate_ref", "geometry_invalid", "layer_unknown"]);
    expect(codes(ready)).toEqual(["config_missing"]);
  });

  it("names an imported tile that is not in the store, or has another size", async () => {
    const { found } = await problems({}, async (_, folder) => {
      await rm(join(folder, "0/0_0.png"));
      await truncate(join(folder, "1/0_0.png"), 10);
    });
    expect(found.toSorted((a, b) => a.path.localeCompare(b.path))).toMatchObject([
      { code: "asset_missing", path: "/tiles/0/0_0.png" },
      {
        code: "asset_missing",
        path: "/tiles/1/0_0.png",
        message: expect.stringContaining("10 bytes and should have 300"),
      },
    ]);
  });

  it("names a tile that the pyramid calls for and nobody imported", async () => {
    const { found, ready } = await problems({}, async (draft) => {
      await room.database.em
        .fork()
        .execute(`delete from tiles where version_id = ? and key = '10/1_1.png'`, [draft.version_id]);
    });
    expect(found).toMatchObject([{ code: "tile_missing", path: "/tiles/10/1_1.png" }]);
    expect(codes(ready)).toEqual(["tile_missing"]);
  });
});
