/** Step 3: the draft has the new tiles, in one edit: whoever looks sees the old set or the new one, whole. */
import type { TileGenerationResult } from "../../contract/tile-generation.ts";
import { attachTileSet } from "../../src/projects/attach-tile-set.ts";
import { findDraft } from "../../src/projects/version-store.ts";
import { readManifest } from "../../src/releases/tile-manifest.ts";
import { draftOf } from "../../src/tiles/cut/cut-plan.ts";
import { inLastStep, type ActivityDeps } from "../steps.ts";
import type { AfterCut } from "./step-input.ts";

/** Rows at a time: some 20 ms. */
const PAGE = 5_000;

/** Twice is harmless: the same set again changes nothing. Errors: version_published, picture_replaced (final), store_unavailable. */
export async function attachTiles(deps: ActivityDeps, input: AfterCut): Promise<TileGenerationResult> {
  const { measured, cut } = input;
  return inLastStep(deps, input, { name: "attach", begins: "Attaching the tiles" }, async (tools) => {
    const db = deps.database.em.fork();
    const draft = await findDraft(db, { tenant_id: tools.row.tenant_id, ...draftOf(tools.row.payload) });
    const { revision, changed, removed } = await attachTileSet({
      ...{ db, version: draft, set: cut, signal: tools.signal },
      tiles: readManifest(deps.stores.private, cut.manifest_key, 0, PAGE),
      picture: measured.own ? measured.artifact : null,
      onTiles: (count) => tools.report(count / cut.tile_count, `${count} of ${cut.tile_count} tiles attached`),
    });
    const { tile_set, tile_count, bytes, digest, xyz } = cut;
    const instead = removed > 0 ? `, in the place of ${removed}` : "";
    const told = changed
      ? `${draft.project} version ${draft.number} has ${tile_count} new tiles${instead}`
      : "The draft has these very tiles already";
    return { message: told, result: { ...tile_set, tile_count, bytes, digest, revision, xyz } };
  });
}
