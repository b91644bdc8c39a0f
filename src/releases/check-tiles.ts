/** Step 1, tiles: the manifest holds exactly what the pyramid calls for, and every tile of it is in the private store. */
import type { Db } from "../db.ts";
import { missingTiles, tilePage, type TileEntry } from "../projects/tile-store.ts";
import { tileObjectKey } from "../storage/keys.ts";
import type { Stores } from "../storage/object-store.ts";
import { expectedTile, tileCount, type Descriptor } from "../tiles/dzi.ts";
import { problem, type ProblemList } from "./problem-list.ts";
import type { VersionRef } from "./validate-version.ts";

/** Manifest rows a page: about 2 ms of checks against the pyramid. */
const TILE_PAGE = 1_000;
/** Keys that the sentence about superfluous tiles names. */
const UNEXPECTED_NAMED = 5;

/** Adds a problem for each tile that is missing, superfluous or absent from the store. `onProgress` counts from `overlays` on. */
export async function checkTiles(
  db: Db,
  stores: Stores,
  version: VersionRef,
  tileSet: Descriptor,
  problems: ProblemList,
  { signal, onProgress }: { signal?: AbortSignal; onProgress: (done: number) => void },
  overlays: number,
): Promise<void> {
  const checkAssets = async (page: TileEntry[]): Promise<void> => {
    const objects = page.map((tile) => ({
      key: tileObjectKey(version, tile),
      size: tile.size,
      sha256: tile.sha256,
    }));
    const { faults } = await stores.private.inspect(objects, { read: "sizes", signal });
    for (const [at, fault] of faults.entries()) {
      const tile = page[at];
      if (!fault || !tile) continue;
      const what =
        fault.kind === "size" ? `It has ${fault.size} bytes and should have ${tile.size}.` : "It is not there.";
      problems.add(problem("asset_missing", `/tiles/${tile.key}`, what));
    }
  };
  // Keys are unique in the manifest, so counting those that the pyramid calls for tells whether all are there.
  let matched = 0;
  const unexpected: string[] = [];
  let tooMany = 0;
  for (let after = "", done = overlays; !problems.full;) {
    signal?.throwIfAborted();
    const page = await tilePage(db, version.id, after, TILE_PAGE);
    for (const { key } of page) {
      if (expectedTile(tileSet, key)) matched += 1;
      else {
        tooMany += 1;
        if (unexpected.length < UNEXPECTED_NAMED) unexpected.push(key);
      }
    }
    await checkAssets(page);
    done += page.length;
    onProgress(done);
    const last = page.at(-1);
    if (!last || page.length < TILE_PAGE) break;
    after = last.key;
  }
  if (problems.full) return;
  if (tooMany > 0)
    problems.add(
      problem(
        "tile_unexpected",
        "/tiles",
        `${tooMany} tile(s) too many: ${unexpected.join(", ")}${tooMany > unexpected.length ? ", …" : ""}.`,
      ),
    );
  const absent = tileCount(tileSet) - matched;
  if (absent <= 0) return;
  // Looked up only now that some are known to be absent: the pyramid may call for millions.
  const named = await missingTiles(db, version.id, tileSet, { limit: Math.min(absent, problems.room), signal });
  for (const key of named) problems.add(problem("tile_missing", `/tiles/${key}`));
  problems.addUnnamed(absent - named.length);
}
