/** Step 3: the draft has the new tiles and the job has ended, in one commit: whoever looks sees the old set or the new one, whole. */
import type { TileGenerationResult } from "../../contract/tile-generation.ts";
import { AppError } from "../../src/errors.ts";
import { writeDone, type Done } from "../../src/jobs/protocol/finish.ts";
import { attachTileSet, type Attached } from "../../src/projects/attach-tile-set.ts";
import { limitLockWait } from "../../src/projects/merge-overlays-store.ts";
import { findDraft, type Version } from "../../src/projects/version-store.ts";
import { readManifest } from "../../src/releases/tile-manifest.ts";
import { draftOf } from "../../src/tiles/cut/cut-plan.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { keptAs } from "../applied.ts";
import { inLastStep } from "../steps.ts";
import type { AfterCut } from "./step-input.ts";

/** Rows at a time: some 20 ms. */
const PAGE = 5_000;
/** Less than PostgreSQL takes to tell a deadlock. */
const LOCK_WAIT_MS = 800;

type Ending = Omit<Done, "result"> & { result: TileGenerationResult };

/** An attempt that wakes up behind its successor, or behind the job's end, changes nothing. Errors: superseded, version_published, picture_replaced (final), store_unavailable. */
export async function attachTiles(deps: ActivityDeps, input: AfterCut): Promise<TileGenerationResult> {
  const { measured, cut } = input;
  return inLastStep(deps, input, { name: "attach", begins: "Attaching the tiles" }, async (tools) => {
    const db = deps.database.em.fork();
    const draft = await findDraft(db, { tenant_id: tools.row.tenant_id, ...draftOf(tools.row.payload) });
    let ending: Ending | undefined;
    const attached = await attachTileSet({
      ...{ db, version: draft, set: cut, signal: tools.signal },
      tiles: readManifest(deps.stores.private, cut.manifest_key, 0, PAGE),
      picture: measured.own ? measured.artifact : null,
      onTiles: (count) => tools.report(count / cut.tile_count, `${count} of ${cut.tile_count} tiles attached`),
      async finish(tx, found) {
        ending = endingWith(draft, cut, found);
        await limitLockWait(tx, LOCK_WAIT_MS);
        const kept = keptAs(ending, { measure: measured, generate: cut });
        if (!(await writeDone(tx, tools.grip, ending, kept))) throw new AppError("superseded", { job: tools.row.id });
      },
    });
    return ending ?? endingWith(draft, cut, attached);
  });
}

function endingWith(draft: Version, cut: AfterCut["cut"], { changed, removed, revision }: Attached): Ending {
  const { tile_set, tile_count, bytes, digest, xyz } = cut;
  const instead = removed > 0 ? `, in the place of ${removed}` : "";
  const message = changed
    ? `${draft.project} version ${draft.number} has ${tile_count} new tiles${instead}`
    : "The draft has these very tiles already";
  return { message, result: { ...tile_set, tile_count, bytes, digest, revision, xyz } };
}
