/** Geometry of a Deep Zoom pyramid (DZI): which tiles a descriptor calls for, and how large each is. */

export const TILE_FORMATS = ["jpg", "jpeg", "png", "webp"] as const;

export type TileFormat = (typeof TILE_FORMATS)[number];

/** What a `.dzi` file says. Lengths in pixels. */
export interface Descriptor {
  width: number;
  height: number;
  /** Side of a tile without its overlap. */
  tile_size: number;
  /** Pixels that a tile repeats of each neighbour. */
  overlap: number;
  /** Extension of the tiles' file names, which also names their encoding. */
  format: TileFormat;
}

export interface DziLevel {
  /** 0 is a single pixel; each level is half the next one, rounded up. */
  level: number;
  width: number;
  height: number;
  columns: number;
  rows: number;
}

export interface ExpectedTile {
  /** `{level}/{column}_{row}.{format}` */
  key: string;
  level: number;
  column: number;
  row: number;
  width: number;
  height: number;
}

/** All levels, from the single pixel to the full size. */
export function dziLevels({ width, height, tile_size }: Descriptor): DziLevel[] {
  const levels: DziLevel[] = [];
  for (let w = width, h = height; ; w = Math.ceil(w / 2), h = Math.ceil(h / 2)) {
    levels.push({
      level: 0,
      width: w,
      height: h,
      columns: Math.ceil(w / tile_size),
      rows: Math.ceil(h / tile_size),
    });
    if (w === 1 && h === 1) break;
  }
  return levels.reverse().map((each, level) => ({ ...each, level }));
}

/** How many tiles the pyramid has; exact up to 2^53. */
export function tileCount(descriptor: Descriptor): number {
  return dziLevels(descriptor).reduce((sum, { columns, rows }) => sum + columns * rows, 0);
}

/** Every tile, level by level, row by row; made one at a time, so a pyramid of any size needs no memory. */
export function* expectedTiles(descriptor: Descriptor): Generator<ExpectedTile, void, undefined> {
  for (const level of dziLevels(descriptor))
    for (let row = 0; row < level.rows; row += 1)
      for (let column = 0; column < level.columns; column += 1) yield tileAt(descriptor, level, column, row);
}

/** What the pyramid expects under `key`, or null if it calls for no such tile. Leading zeros are not canonical. */
export function expectedTile(descriptor: Descriptor, key: string): ExpectedTile | null {
  const match = /^(0|[1-9]\d{0,9})\/(0|[1-9]\d{0,9})_(0|[1-9]\d{0,9})\.([a-z]+)$/.exec(key);
  if (!match || match[4] !== descriptor.format) return null;
  const [number, column, row] = match.slice(1, 4).map(Number) as [number, number, number];
  const level = dziLevels(descriptor)[number];
  if (!level || column >= level.columns || row >= level.rows) return null;
  return tileAt(descriptor, level, column, row);
}

function tileAt(descriptor: Descriptor, level: DziLevel, column: number, row: number): ExpectedTile {
  return {
    key: `${level.level}/${column}_${row}.${descriptor.format}`,
    level: level.level,
    column,
    row,
    width: extent(descriptor, column, level.width),
    height: extent(descriptor, row, level.height),
  };
}

/** Length of tile number `index` along a side of `length`: the overlap is added where there is a neighbour. */
function extent({ tile_size, overlap }: Descriptor, index: number, length: number): number {
  const start = Math.max(0, index * tile_size - overlap);
  const end = Math.min(length, (index + 1) * tile_size + overlap);
  return end - start;
}
