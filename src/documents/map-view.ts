/** A picture of a version: the upper level of its tiles that paper can show, with its overlays drawn above it. */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { MapView } from "../../contract/document-specification.ts";
import type { Db } from "../db.ts";
import { listLayers } from "../projects/content-store.ts";
import { findTileSet, tilesNamed } from "../projects/tile-store.ts";
import type { Version } from "../projects/version-store.ts";
import { tileObjectKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { dziLevels, type Descriptor, type DziLevel } from "../tiles/dzi.ts";
import { drawShapes, type DrawnShape, type Frame } from "./draw-shapes.ts";
import { labelIn, overlaysOf } from "./overlays-of.ts";
import type { RawPicture } from "./prepare-picture.ts";

/** Pixels along the longer side. */
const MAX_SIDE = 2_048;
/** Of the level that is shown: 64 × 64 tiles of 32 pixels. */
const MAX_TILES = 4_096;
/** More cannot be told apart on paper, and would be drawn for minutes. */
const MAX_SHAPES = 20_000;
const MAX_POSITIONS = 500_000;

export interface MapOrder {
  db: Db;
  store: ObjectStore;
  version: Version;
  view: MapView;
  language: string;
  /** For the tiles. */
  folder: string;
  signal: AbortSignal;
  leaveOut: (what: string) => void;
}

export async function mapView(order: MapOrder): Promise<RawPicture> {
  const { db, version, view, language, leaveOut } = order;
  const layers = await listLayers(db, version.id);
  const wanted = new Set(view.layers ?? layers.filter(({ visible }) => visible).map(({ ref }) => ref));
  const styles = new Map(layers.map(({ ref, style }) => [ref, style]));
  const shapes: DrawnShape[] = [];
  let [positions, more] = [0, 0];
  for await (const { geometry, layer, style, label, visible } of overlaysOf(db, version.id, order.signal)) {
    const isWanted =
      layer === null ? view.layers === undefined : wanted.has(layer) || (!styles.has(layer) && !view.layers);
    if (!visible || !isWanted) continue;
    positions += countPositions(geometry["coordinates"]);
    if (shapes.length >= MAX_SHAPES || positions > MAX_POSITIONS) more += 1;
    else
      shapes.push({
        geometry,
        style: { ...(layer === null ? {} : styles.get(layer)), ...style },
        label: labelIn(label, language),
      });
  }
  if (more > 0) leaveOut(`${more} overlays of the map view, which shows ${shapes.length}`);
  const descriptor = await findTileSet(db, version.id);
  const bounds = boundsOf(shapes);
  const fits = descriptor !== null && (bounds === null || isWithin(bounds, descriptor));
  const frame = fits ? pictureFrame(descriptor) : boundsFrame(bounds);
  const tiles = fits ? await fetchTiles(order, descriptor) : [];
  const source = {
    kind: "map" as const,
    width: frame.width,
    height: frame.height,
    tiles,
    svg: drawShapes(shapes, frame, view.labels ?? true),
  };
  return {
    type: "raw_picture",
    ...(view.caption === undefined ? {} : { caption: view.caption }),
    ...(view.width === undefined ? {} : { width: view.width }),
    source,
  };
}

function countPositions(coordinates: unknown): number {
  if (!Array.isArray(coordinates)) return 0;
  return typeof coordinates[0] === "number"
    ? 1
    : coordinates.reduce<number>((sum, each) => sum + countPositions(each), 0);
}

type Bounds = [west: number, south: number, east: number, north: number];

function boundsOf(shapes: readonly DrawnShape[]): Bounds | null {
  const bounds: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  const take = (coordinates: unknown): void => {
    if (!Array.isArray(coordinates)) return;
    const [x, y] = coordinates as unknown[];
    if (typeof x !== "number" || typeof y !== "number") return coordinates.forEach(take);
    bounds[0] = Math.min(bounds[0], x);
    bounds[1] = Math.min(bounds[1], y);
    bounds[2] = Math.max(bounds[2], x);
    bounds[3] = Math.max(bounds[3], y);
  };
  for (const { geometry } of shapes) take(geometry["coordinates"]);
  return bounds.every(Number.isFinite) ? bounds : null;
}

/** Are the coordinates pixels of the picture? Plans reach over its edge here and there. */
function isWithin([west, south, east, north]: Bounds, { width, height }: Descriptor): boolean {
  const slack = 0.1;
  return (
    west >= -slack * width && south >= -slack * height && east <= (1 + slack) * width && north <= (1 + slack) * height
  );
}

/** The largest level that is not larger than the picture may be, nor has more tiles than are worth fetching. */
function levelOf(descriptor: Descriptor): DziLevel {
  const levels = dziLevels(descriptor);
  const isFit = ({ width, height, columns, rows }: DziLevel): boolean =>
    Math.max(width, height) <= MAX_SIDE && columns * rows <= MAX_TILES;
  return levels.findLast(isFit) ?? levels[0]!;
}

function pictureFrame(descriptor: Descriptor): Frame {
  const { width, height } = levelOf(descriptor);
  const scale = width / descriptor.width;
  return { width, height, place: ([x = 0, y = 0]) => [x * scale, y * (height / descriptor.height)] };
}

/** Without a picture: what the overlays take, north up where they are longitudes and latitudes. */
function boundsFrame(bounds: Bounds | null): Frame {
  const [west, south, east, north] = bounds ?? [0, 0, 4, 3];
  const degrees = west >= -180 && east <= 180 && south >= -90 && north <= 90 && bounds !== null && east - west < 60;
  // A degree of longitude is shorter than one of latitude.
  const squeeze = degrees ? Math.cos((((south + north) / 2) * Math.PI) / 180) : 1;
  const [spanX, spanY] = [Math.max((east - west) * squeeze, 1e-9), Math.max(north - south, 1e-9)];
  const margin = 40;
  const scale = (1_400 - 2 * margin) / Math.max(spanX, spanY);
  const [width, height] = [
    Math.max(100, Math.round(spanX * scale + 2 * margin)),
    Math.max(100, Math.round(spanY * scale + 2 * margin)),
  ];
  return {
    ...{ width, height },
    place: ([x = 0, y = 0]) => [
      (x - west) * squeeze * scale + margin,
      degrees ? (north - y) * scale + margin : (y - south) * scale + margin,
    ],
  };
}

/** Those of the level that is shown, wherever they lie: imported ones under their keys, cut ones under their digests. */
async function fetchTiles(
  { db, store, version, folder, signal, leaveOut }: MapOrder,
  descriptor: Descriptor,
): Promise<{ file: string; left: number; top: number }[]> {
  const level = levelOf(descriptor);
  const { tile_size, overlap, format } = descriptor;
  const places = Array.from({ length: level.rows * level.columns }, (_, index) => ({
    column: index % level.columns,
    row: Math.floor(index / level.columns),
  }));
  const nameOf = ({ column, row }: (typeof places)[number]): string => `${level.level}/${column}_${row}.${format}`;
  const known = new Map((await tilesNamed(db, version.id, places.map(nameOf))).map((tile) => [tile.key, tile]));
  const tiles: { file: string; left: number; top: number }[] = [];
  for (const place of places) {
    signal.throwIfAborted();
    const tile = known.get(nameOf(place));
    const found = tile && (await store.get(tileObjectKey(version, tile)));
    if (!found) continue;
    const { column, row } = place;
    const file = join(folder, `tile-${level.level}-${column}-${row}.${format}`);
    await pipeline(found.body, createWriteStream(file));
    tiles.push({
      file,
      left: Math.max(0, column * tile_size - overlap),
      top: Math.max(0, row * tile_size - overlap),
    });
  }
  const missing = places.length - tiles.length;
  if (missing > 0) leaveOut(`${missing} of ${places.length} tiles of the map view, which are missing`);
  return tiles;
}
