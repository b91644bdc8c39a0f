/**
 * An XYZ pyramid (`{z}/{x}/{y}`) as a ZIP. Level 0 is one tile; each level is half the next one, rounded up, and begins at the top left. All tiles are
 * of one size, filled up with the background, and none is left out for being blank.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable, type PassThrough } from "node:stream";
import { ZipFile } from "yazl";
import type { CutFormat } from "../../../contract/tile-generation.ts";
import { dziLevels } from "../dzi.ts";

/** As libvips calls the files, and as XYZ has them. */
const EXTENSIONS: Record<CutFormat, string> = { jpeg: "jpg", png: "png", webp: "webp" };

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

/** The ZIP's bytes. `folder`: as libvips writes it, `{z}/{y}/{x}.{extension}`. Its stream fails if a tile is missing. */
export function zipXyz(folder: string, tiles: Iterable<XyzTile>, format: CutFormat): Readable {
  const extension = EXTENSIONS[format];
  const zip = new ZipFile();
  const out = zip.outputStream as PassThrough;
  // Stored as they are: pictures do not get smaller.
  const how = { mtime: NO_TIME, forceDosTimestamp: true, mode: 0o100644, compress: false };
  // One by one: asked for all files at once, yazl opens them all.
  const bytes = async function* (): AsyncGenerator<Buffer> {
    for (const { z, x, y } of tiles) {
      zip.addBuffer(
        await readFile(join(folder, String(z), String(y), `${x}.${extension}`)),
        `${z}/${x}/${y}.${extension}`,
        how,
      );
      for (let chunk = out.read() as Buffer | null; chunk !== null; chunk = out.read() as Buffer | null) yield chunk;
    }
    zip.end();
    yield* out as AsyncIterable<Buffer>;
  };
  return Readable.from(bytes(), { objectMode: false });
}
