/** May this version be published? All problems at once, each with a code and a path into the draft. */
import type { Problem } from "../../contract/problem.ts";
import type { Db } from "../db.ts";
import { findConfig, listLayers } from "../projects/content-store.ts";
import { hasVisibleOverlay } from "../projects/overlay-store.ts";
import { surveyOverlays } from "../projects/overlay-verdict-store.ts";
import { countTiles, findTileSet } from "../projects/tile-store.ts";
import { findSourcePicture } from "../projects/source-picture-store.ts";
import type { Stores } from "../storage/object-store.ts";
import { tileCount } from "../tiles/dzi.ts";
import { checkOverlays } from "./check-overlays.ts";
import { checkTiles } from "./check-tiles.ts";
import { problem, ProblemList, segment } from "./problem-list.ts";

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
  /** Write down what is found of overlays that nobody had checked; default: only look. */
  keepVerdicts?: boolean;
  /** A publish would cut the tiles that are missing from the version's source picture; default: they must be there. */
  tilesMayCome?: boolean;
}

const SECRET = /(secret|passw(or)?d|private_?key|access_?key|api_?key|credential|^token$|auth_?token)/i;

const configMissing = ({ project, number }: VersionRef): Problem =>
  problem("config_missing", "/config", `PUT /projects/${project}/versions/${number}/config sets it.`);
const TILES_MISSING = problem(
  "tiles_missing",
  "/tiles",
  "Import a pyramid (its tiles.dzi, then its tiles), or give the version a source picture: a publish cuts it.",
);

/** What can be told without reading the draft: cheap enough for every request. */
export async function readinessProblems(db: Db, version: VersionRef): Promise<Problem[]> {
  const problems: Problem[] = [];
  if ((await findConfig(db, version.id)) === null) problems.push(configMissing(version));
  if (!(await hasVisibleOverlay(db, version.id))) problems.push(problem("no_visible_overlay", "/overlays"));
  const tileSet = await findTileSet(db, version.id);
  if (!tileSet) return (await findSourcePicture(db, version.id)) ? problems : [...problems, TILES_MISSING];
  const [present, expected] = [await countTiles(db, version.id), tileCount(tileSet)];
  if (present < expected)
    problems.push(problem("tile_missing", "/tiles", `${present} of ${expected} tiles were imported.`));
  return problems;
}

/**
 * Reads the whole draft, page by page: memory does not grow with it, and the event loop gets its turn after each page. Problems
 * stop at a thousand, and reading with them; cancellation throws the signal's reason when nothing is under way any more.
 */
export async function validateVersion(
  db: Db,
  stores: Stores,
  version: VersionRef,
  options: ValidateOptions = {},
): Promise<Validation> {
  const problems = new ProblemList();
  const config = await findConfig(db, version.id);
  if (config === null) problems.add(configMissing(version));
  else for (const path of secretPaths(config)) problems.add(problem("config_secret", `/config${path}`));

  const layers = await listLayers(db, version.id);
  const refs = new Set(layers.map((layer) => layer.ref));
  if (refs.size < layers.length) problems.add(problem("duplicate_layer", "/layers"));

  const survey = await surveyOverlays(db, version.id, [...refs]);
  const { overlays, visible } = survey;
  if (visible === 0) problems.add(problem("no_visible_overlay", "/overlays"));
  const tileSet = await findTileSet(db, version.id);
  const comes = !tileSet && options.tilesMayCome === true && (await findSourcePicture(db, version.id)) !== null;
  if (!tileSet && !comes) problems.add(TILES_MISSING);
  const tiles = tileSet ? await countTiles(db, version.id) : 0;
  const total = overlays + tiles;
  const progress = { ...options, onProgress: (done: number) => options.onProgress?.(Math.min(done, total), total) };

  const { signal, onProgress } = progress;
  const keep = options.keepVerdicts ?? false;
  await checkOverlays(db, version.id, { survey, layers: [...refs] }, problems, { signal, onProgress, keep });
  if (tileSet) await checkTiles(db, stores, version, tileSet, problems, progress, overlays);
  return { problems: problems.list(), overlay_count: visible, tile_count: tiles };
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
