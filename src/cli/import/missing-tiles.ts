/** Why tiles are missing, as far as what is there shows it. */
import type { Problem } from "../../../contract/problem.ts";
import type { AppError } from "../../errors.ts";
import { dziLevels, expectedTiles, tileCount, type Descriptor } from "../../tiles/dzi.ts";
import { folderInvalid } from "./folder-invalid.ts";

/** Missing tiles that are named one by one. */
const NAMED_TILES = 10;

/**
 * `folder_invalid` for the folder of tiles at `path`, which lacks some. `found`: keys that are there. `tilelike`: every file that is
 * named like a tile, whether it is called for or not.
 */
export function whyMissing(
  path: string,
  descriptor: Descriptor,
  found: { has(key: string): boolean; size: number },
  tilelike: readonly string[],
): AppError {
  const reason = wrongFormat(descriptor, tilelike) ?? fewerLevels(descriptor, tilelike);
  if (reason) return folderInvalid(path, reason);
  const problems: Problem[] = [];
  for (const { key } of expectedTiles(descriptor)) {
    if (problems.length === NAMED_TILES) break;
    if (!found.has(key))
      problems.push({ code: "tile_missing", path: `/${key}`, message: "The descriptor calls for this tile." });
  }
  const absent = `${tileCount(descriptor) - found.size} tile(s) are missing; the first: ${problems[0]?.path.slice(1)}`;
  const remedy = "copy all of them here, or cut the picture again with every tile (vips: without --skip-blanks)";
  return folderInvalid(path, `${absent}; ${remedy}`, { problems });
}

function wrongFormat({ format }: Descriptor, tilelike: readonly string[]): string | null {
  const extensions = new Set(tilelike.map((name) => name.slice(name.lastIndexOf(".") + 1).toLowerCase()));
  const [other] = extensions;
  const alike = (extension: string): string => (extension === "jpeg" ? "jpg" : extension);
  if (extensions.size !== 1 || !other || alike(other) === alike(format)) return null;
  return `its tiles are .${other} files, and the descriptor says Format="${format}"; it must be that of the tiles`;
}

/** A pyramid whose levels are counted from the first level that was cut: no viewer of Deep Zoom finds its tiles. */
function fewerLevels(descriptor: Descriptor, tilelike: readonly string[]): string | null {
  const levels = dziLevels(descriptor);
  const perLevel = new Map<number, number>();
  for (const name of tilelike) {
    const level = Number.parseInt(name);
    perLevel.set(level, (perLevel.get(level) ?? 0) + 1);
  }
  const [last, top] = [Math.max(...perLevel.keys()), levels.length - 1];
  const full = levels.at(-1);
  if (!full || perLevel.size !== last + 1 || last >= top || perLevel.get(last) !== full.columns * full.rows)
    return null;
  const { width, height } = descriptor;
  return (
    `it has ${last === 0 ? "level 0 only" : `the levels 0 to ${last}`}, and a picture of ${width} × ${height} pixels has the levels ` +
    `0 to ${top}: cut it again with --depth onepixel, the default of vips for Deep Zoom, not with onetile or one`
  );
}
