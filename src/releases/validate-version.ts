/** May this version be published? All problems at once, each with a code and a path into the draft. */
import pLimit from "p-limit";
import { PROBLEMS, type ProblemCode } from "../../contract/failures.ts";
import type { Problem } from "../../contract/publish.ts";
import type { Db } from "../db.ts";
import { findConfig, listLayers } from "../projects/content-store.ts";
import { countOverlays, duplicateRefs, overlayPage } from "../projects/overlay-store.ts";
import { countTiles, findTileSet, tilePage } from "../projects/tile-store.ts";
import { draftTileKey } from "../storage/keys.ts";
import type { Stores } from "../storage/object-store.ts";
import { expectedTiles, tileCount } from "../tiles/dzi.ts";
import { geometryProblem } from "./geometry.ts";

/** The version as its store finds it. */
export interface VersionRef {
  id: string;
  tenant_id: string;
  tenant: string;
  project_id: string;
  project: string;
  number: number;
}

export interface Validation {
  problems: Problem[];
  overlay_count: number;
  tile_count: number;
}

export interface ValidateOptions {
  signal?: AbortSignal;
  /** `done` of `total` things were looked at. */
  onProgress?: (done: number, total: number) => void;
}

/** More problems than this help nobody; the last one then says that there are more. */
const MAX_PROBLEMS = 1_000;
/** Overlays a page: about 15 ms of topology tests before the event loop gets its turn. */
const PAGE = 250;
const HEADS_AT_A_TIME = 32;
const SECRET = /(secret|passw(or)?d|private_?key|access_?key|api_?key|credential|^token$|auth_?token)/i;

const problem = (code: ProblemCode, path: string, more = ""): Problem => ({
  code,
  path,
  message: `${PROBLEMS[code]}${more ? ` ${more}` : ""}`,
});

/** A segment of a JSON pointer (RFC 6901). */
const segment = (text: string): string => text.replaceAll("~", "~0").replaceAll("/", "~1");

/** What can be told without reading the draft: cheap enough for every request. */
export async function readinessProblems(db: Db, version: VersionRef): Promise<Problem[]> {
  const problems: Problem[] = [];
  if ((await findConfig(db, version.id)) === null)
    problems.push(
      problem(
        "config_missing",
        "/config",
        `PUT /projects/${version.project}/versions/${version.number}/config sets it.`,
      ),
    );
  if ((await countOverlays(db, version.id)).visible === 0) problems.push(problem("no_visible_overlay", "/overlays"));
  const tileSet = await findTileSet(db, version.id);
  if (!tileSet)
    return [...problems, problem("tiles_missing", "/tiles", "Import a pyramid: its tiles.dzi, then its tiles.")];
  const [present, expected] = [await countTiles(db, version.id), tileCount(tileSet)];
  if (present < expected)
    problems.push(problem("tile_missing", "/tiles", `${present} of ${expected} tiles were imported.`));
  return problems;
}

/** Reads the whole draft. Problems stop at a thousand; cancellation throws the signal's reason. */
export async function validateVersion(
  db: Db,
  stores: Stores,
  version: VersionRef,
  options: ValidateOptions = {},
): Promise<Validation> {
  const problems = new ProblemList();
  const config = await findConfig(db, version.id);
  if (config === null) problems.add(problem("config_missing", "/config"));
  else for (const path of secretPaths(config)) problems.add(problem("config_secret", `/config${path}`));

  const layers = await listLayers(db, version.id);
  const refs = new Set(layers.map((layer) => layer.ref));
  if (refs.size < layers.length) problems.add(problem("duplicate_layer", "/layers"));

  const tileSet = await findTileSet(db, version.id);
  const tiles = tileSet ? await countTiles(db, version.id) : 0;
  const counts = await checkOverlays(db, version, refs, problems, options, tiles);
  if (!tileSet) problems.add(problem("tiles_missing", "/tiles"));
  else await checkTiles(db, stores, version, tileSet, problems, options, counts.all);
  return { problems: problems.list(), overlay_count: counts.visible, tile_count: tiles };
}

class ProblemList {
  #problems: Problem[] = [];
  #more = 0;
  add(one: Problem): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(one);
    else this.#more += 1;
  }
  get full(): boolean {
    return this.#problems.length >= MAX_PROBLEMS;
  }
  list(): Problem[] {
    const last = this.#problems.at(-1);
    if (this.#more === 0 || !last) return this.#problems;
    return [
      ...this.#problems,
      { code: last.code, path: "/", message: `There are at least ${this.#more} more problems.` },
    ];
  }
}

async function checkOverlays(
  db: Db,
  version: VersionRef,
  layers: Set<string>,
  problems: ProblemList,
  options: ValidateOptions,
  tiles: number,
) {
  let all = 0;
  let visible = 0;
  for (let after = -1; ;) {
    options.signal?.throwIfAborted();
    const page = await overlayPage(db, version.id, after, PAGE);
    for (const overlay of page) {
      all += 1;
      if (overlay.visible) visible += 1;
      const path = `/overlays/${segment(overlay.ref)}`;
      const wrong = geometryProblem(overlay.geometry);
      if (wrong) problems.add(problem("geometry_invalid", `${path}/geometry`, `${wrong}.`));
      if (overlay.layer !== null && !layers.has(overlay.layer))
        problems.add(problem("layer_unknown", `${path}/layer`, `It names ${JSON.stringify(overlay.layer)}.`));
    }
    options.onProgress?.(all, all + tiles);
    const last = page.at(-1);
    if (!last || page.length < PAGE) break;
    after = last.sort_order;
  }
  if (visible === 0) problems.add(problem("no_visible_overlay", "/overlays"));
  for (const { ref, count } of await duplicateRefs(db, version.id, MAX_PROBLEMS)) {
    problems.add(
      problem("duplicate_ref", `/overlays/${segment(ref)}/ref`, `${count} overlays are called ${JSON.stringify(ref)}.`),
    );
  }
  return { all, visible };
}

async function checkTiles(
  db: Db,
  stores: Stores,
  version: VersionRef,
  tileSet: NonNullable<Awaited<ReturnType<typeof findTileSet>>>,
  problems: ProblemList,
  options: ValidateOptions,
  overlays: number,
): Promise<void> {
  const present = new Set<string>();
  const limit = pLimit(HEADS_AT_A_TIME);
  for (let after = ""; ;) {
    options.signal?.throwIfAborted();
    const page = await tilePage(db, version.id, after, 1_000);
    await Promise.all(
      page.map((tile) =>
        limit(async () => {
          present.add(tile.key);
          const found = await stores.private.head(
            draftTileKey(version.tenant, version.project, version.number, tile.key),
          );
          if (found?.size === tile.size) return;
          const what = found ? `It has ${found.size} bytes and should have ${tile.size}.` : "It is not there.";
          problems.add(problem("asset_missing", `/tiles/${tile.key}`, what));
        }),
      ),
    );
    options.onProgress?.(overlays + present.size, overlays + present.size);
    const last = page.at(-1);
    if (!last || page.length < 1_000) break;
    after = last.key;
  }
  // The geometry may call for far more tiles than anyone could import: stop at the first thousand that are missing.
  let matched = 0;
  for (const tile of expectedTiles(tileSet)) {
    if (present.has(tile.key)) matched += 1;
    else if (problems.full) return;
    else problems.add(problem("tile_missing", `/tiles/${tile.key}`));
  }
  if (matched < present.size)
    problems.add(problem("tile_unexpected", "/tiles", `${present.size - matched} tile(s) too many.`));
}

/** JSON pointers of members whose names look like secrets. */
function secretPaths(value: unknown, path = ""): string[] {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const here = `${path}/${segment(name)}`;
    const hit = SECRET.test(name) && typeof member === "string" && member !== "";
    return hit ? [here] : secretPaths(member, here);
  });
}
