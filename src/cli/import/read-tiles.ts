/** The folder of tiles beside a descriptor: which file is which tile, and what else lies there. */
import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { expectedTile, tileCount, type Descriptor } from "../../tiles/dzi.ts";
import { whyMissing } from "./missing-tiles.ts";
import { requirePath } from "./read-text.ts";

export interface LocalTile {
  /** `{level}/{column}_{row}.{format}`, as the descriptor calls it; the file's own extension may be its other spelling. */
  key: string;
  path: string;
  /** Bytes. */
  size: number;
}

export interface LocalTiles {
  tiles: LocalTile[];
  /** Paths of what is named like a tile, and the descriptor does not call for. */
  superfluous: string[];
  /** Paths of files that are no tiles; an empty folder ends with `/`. Tools and systems leave some. */
  skipped: string[];
}

/** Errors: `folder_invalid` if a tile is missing. */
export async function readTiles(path: string, descriptor: Descriptor): Promise<LocalTiles> {
  await requirePath(path, "it holds the tiles that the .dzi file beside it describes");
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const filled = new Set(entries.map((entry) => entry.parentPath));
  const found = new Map<string, LocalTile>();
  const tilelike: string[] = [];
  const superfluous: string[] = [];
  const skipped: string[] = [];
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) {
      if (!filled.has(file)) skipped.push(`${file}/`);
      continue;
    }
    const name = relative(path, file).replaceAll("\\", "/");
    const looks = /^\d+\/\d+_\d+\.\w+$/.test(name);
    if (looks) tilelike.push(name);
    const key = tileKey(descriptor, name);
    // What a link points to, or null if it points nowhere. A pipe would never be read to its end.
    const facts = expectedTile(descriptor, key) ? await stat(file).catch(() => null) : null;
    const before = found.get(key);
    if (!facts?.isFile() || (before && name !== key)) {
      (looks ? superfluous : skipped).push(file);
      continue;
    }
    if (before) superfluous.push(before.path);
    found.set(key, { key, path: file, size: facts.size });
  }
  if (found.size < tileCount(descriptor)) throw whyMissing(path, descriptor, found, tilelike);
  return { tiles: [...found.values()], superfluous, skipped };
}

/** The key of a file: `.JPG` is `.jpg`, and that is `.jpeg`; tools write the one and name the other in the descriptor. */
function tileKey({ format }: Descriptor, name: string): string {
  const dot = name.lastIndexOf(".") + 1;
  const extension = name.slice(dot).toLowerCase();
  const jpeg = /^jpe?g$/;
  return name.slice(0, dot) + (jpeg.test(extension) && jpeg.test(format) ? format : extension);
}
