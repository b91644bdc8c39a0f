/** Flattened outlines to the rings of areas. Points are whole thousandths of a pixel, x and y in turns. */
import type { Subpath } from "./outline.ts";

/** x, y, x, y, …; a ring ends where it begins. */
export type Points = readonly number[];

/** A GeoJSON geometry by its type and points. */
export type PlanGeometry =
  | { type: "Point"; point: Points }
  | { type: "LineString" | "MultiLineString"; lines: Points[] }
  /** Of each polygon its shell, then its holes. */
  | { type: "Polygon" | "MultiPolygon"; polygons: Points[][] };

export interface Painted {
  /** Is its inside painted? Then what is not closed counts as closed, as it is painted. */
  fill: boolean;
  rule: "nonzero" | "evenodd";
}

/** Null where nothing is left: no line that has a length, no ring that has an area. */
export function geometryOf(subpaths: readonly Subpath[], { fill, rule }: Painted): PlanGeometry | null {
  const rings: Points[] = [];
  const lines: Points[] = [];
  for (const { points, closed } of subpaths) {
    const ring = fill || closed ? ringOf(points) : null;
    if (ring) rings.push(ring);
    // What is closed and has no area is a line there and back.
    else if (points.length > 2 && !fill) lines.push(points);
  }
  // A path that is partly closed and partly open, and not painted, is all lines.
  if (lines.length > 0) lines.unshift(...rings);
  if (lines.length > 0) return { type: lines.length === 1 ? "LineString" : "MultiLineString", lines };
  if (rings.length === 0) return null;
  const polygons = rings.length === 1 ? [rings] : nested(rings, rule);
  if (polygons.length === 0) return null;
  return { type: polygons.length === 1 ? "Polygon" : "MultiPolygon", polygons };
}

/** Null for what has no area. */
function ringOf(points: number[]): Points | null {
  const end = points.length;
  const closed = points[0] === points[end - 2] && points[1] === points[end - 1];
  if (end < (closed ? 8 : 6)) return null;
  if (!closed) points.push(points[0]!, points[1]!);
  return areaOf(points) === 0 ? null : points;
}

/** Positive where it goes clockwise as people see it: y grows downwards. */
export function areaOf(ring: Points): number {
  // From the first corner: large coordinates would otherwise lose the area of a small ring.
  const originX = ring[0]!;
  const originY = ring[1]!;
  let twice = 0;
  let beforeX = 0;
  let beforeY = 0;
  for (let at = 2; at < ring.length; at += 2) {
    const x = ring[at]! - originX;
    const y = ring[at + 1]! - originY;
    twice += beforeX * y - x * beforeY;
    beforeX = x;
    beforeY = y;
  }
  return twice / 2;
}

/**
 * Rings to polygons: which are shells and which are holes in them. A ring is a boundary where the rule says otherwise inside of it than
 * outside; rings that cross each other are left to the check of geometries. Each is told by the rings that it lies in.
 */
function nested(rings: readonly Points[], rule: Painted["rule"]): Points[][] {
  const all = rings.map((ring) => ({ ring, box: boxOf([ring]), area: areaOf(ring) }));
  // From the largest: what contains a ring comes before it.
  all.sort((one, other) => Math.abs(other.area) - Math.abs(one.area));
  const polygons: Points[][] = [];
  const placed: { ring: Points; box: Box; inside: number; shell: Points[] | null }[] = [];
  for (const { ring, box, area } of all) {
    // The smallest one around it is the last of them.
    const around = placed.findLast((each) => contains(each.box, box) && ringHolds(each.ring, ring));
    const outside = around?.inside ?? 0;
    const inside = rule === "evenodd" ? 1 - outside : outside + Math.sign(area);
    const [isIn, wasIn] = [inside !== 0, outside !== 0];
    let shell = around?.shell ?? null;
    if (isIn && !wasIn) polygons.push((shell = [ring]));
    else if (!isIn && wasIn) {
      shell?.push(ring);
      shell = null;
    }
    placed.push({ ring, box, inside, shell });
  }
  return polygons;
}

export type Box = readonly [minX: number, minY: number, maxX: number, maxY: number];

export function boxOf(parts: readonly Points[]): Box {
  let minX = Infinity;
  let minY = Infinity;
  let maxX = -Infinity;
  let maxY = -Infinity;
  for (const points of parts) {
    for (let at = 0; at < points.length; at += 2) {
      const x = points[at]!;
      const y = points[at + 1]!;
      if (x < minX) minX = x;
      if (x > maxX) maxX = x;
      if (y < minY) minY = y;
      if (y > maxY) maxY = y;
    }
  }
  return [minX, minY, maxX, maxY];
}

const contains = (outer: Box, inner: Box): boolean =>
  outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];

/** By the first corner of `inner` that does not lie on `outer`; a ring with all of them on it counts as inside. */
function ringHolds(outer: Points, inner: Points): boolean {
  for (let at = 0; at < inner.length; at += 2) {
    const side = sideOf(outer, inner[at]!, inner[at + 1]!);
    if (side !== 0) return side > 0;
  }
  return true;
}

/** 1 inside, -1 outside, 0 on the ring. */
export function sideOf(ring: Points, x: number, y: number): number {
  let inside = false;
  let x1 = ring[0]!;
  let y1 = ring[1]!;
  for (let at = 2; at < ring.length; at += 2) {
    const x2 = ring[at]!;
    const y2 = ring[at + 1]!;
    if (y1 > y !== y2 > y || y1 === y || y2 === y) {
      const turn = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1);
      if (
        turn === 0 &&
        (x1 < x2 ? x >= x1 && x <= x2 : x >= x2 && x <= x1) &&
        (y1 < y2 ? y >= y1 && y <= y2 : y >= y2 && y <= y1)
      )
        return 0;
      if (y1 > y !== y2 > y && turn > 0 === y2 > y1) inside = !inside;
    }
    x1 = x2;
    y1 = y2;
  }
  return inside ? 1 : -1;
}

/** Of a point from the nearest place on the line. */
export function distanceTo(line: Points, x: number, y: number): number {
  let least = Infinity;
  let x1 = line[0]!;
  let y1 = line[1]!;
  for (let at = 2; at < line.length; at += 2) {
    const x2 = line[at]!;
    const y2 = line[at + 1]!;
    const dx = x2 - x1;
    const dy = y2 - y1;
    const along = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy)));
    const far = (x - x1 - along * dx) ** 2 + (y - y1 - along * dy) ** 2;
    if (far < least) least = far;
    x1 = x2;
    y1 = y2;
  }
  return Math.sqrt(least);
}
