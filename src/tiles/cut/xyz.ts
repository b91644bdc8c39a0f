/**
 * An XYZ pyramid (`{z}/{x}/{y}`) as a ZIP. Level 0 is one tile; each level is half the next one, rounded up, and begins at the top left. All tiles are
 * of one size, filled up with the background, and none is left out for being blank.
 */
import { join } from "node:path";
import { Readable } from "node:stream";
import { ZipFile } from "yazl";
import { dziLevels } from "../dzi.ts";

interface XyzTile {
  z: number;
  x: number;
  y: number;
}

/** Every tile, level by level, column by column. */
export function* xyzTiles(size: { width: number; height: number; tile_size: number }): Generator<XyzTile> {
  // The levels of a Deep Zoom pyramid, from the last one that is a single tile.
  const levels = dziLevels({ ...size, overlap: 0, format: "png" });
  const from = levels.findLastIndex(({ columns, rows }) => columns === 1 && rows === 1);
  for (const [z, { columns, rows }] of levels.slice(from).entries())
    for (let x = 0; x < columns; x += 1) for (let y = 0; y < rows; y += 1) yield { z, x, y };
}

/** What a ZIP calls the beginning of time, in every time zone: the same tiles are to give the same bytes. */
const NO_TIME = new Date(1980, 0, 1);

/** The ZIP's bytes. `folder`: as libvips writes it, `{z}/{y}/{x}.{format}`. Its stream fails if a tile is missing. */
export function zipXyz(folder: string, tiles: Iterable<XyzTile>, format: string): Readable {
  const zip = new ZipFile();
  for (const { z, x, y } of tiles) {
    const from = join(folder, String(z), String(y), `${x}.${format}`);
    // Stored as they are: pictures do not get smaller.
    const how = { mtime: NO_TIME, forceDosTimestamp: true, mode: 0o100644, compress: false };
    zip.addFile(from, `${z}/${x}/${y}.${format}`, how);
  }
  zip.end();
  // Its failures are the ZIP's own, not its stream's.
  const bytes = new Readable().wrap(zip.outputStream);
  zip.once("error", (error) => bytes.destroy(error as Error));
  return bytes;
}
