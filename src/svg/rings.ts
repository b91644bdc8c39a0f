/** Flattened outlines to GeoJSON geometries, in whole thousandths of a pixel. */
import { DECIMALS } from "./limits.ts";
import type { Subpath } from "./outline.ts";

export type Position = [x: number, y: number];
/** Closed: the last position is the first. */
export type Ring = Position[];

export type PlanGeometry =
  | { type: "LineString"; coordinates: Position[] }
  | { type: "MultiLineString"; coordinates: Position[][] }
  | { type: "Polygon"; coordinates: Ring[] }
  | { type: "MultiPolygon"; coordinates: Ring[][] };

export interface Painted {
  /** Is its inside painted? Then what is not closed counts as closed, as it is painted. */
  fill: boolean;
  rule: "nonzero" | "evenodd";
}

const rounded = (value: number): number => Math.round(value * DECIMALS) / DECIMALS;

/** Without points that repeat the one before. */
function positionsOf({ points }: Subpath): Position[] {
  const positions: Position[] = [];
  let beforeX = Number.NaN;
  let beforeY = Number.NaN;
  for (let at = 0; at < points.length; at += 2) {
    const x = rounded(points[at]!);
    const y = rounded(points[at + 1]!);
    if (x === beforeX && y === beforeY) continue;
    positions.push([x, y]);
    beforeX = x;
    beforeY = y;
  }
  return positions;
}

/** Null where nothing is left: no line that has a length, no ring that has an area. */
export function geometryOf(subpaths: readonly Subpath[], { fill, rule }: Painted): PlanGeometry | null {
  const rings: Ring[] = [];
  const lines: Position[][] = [];
  for (const subpath of subpaths) {
    const positions = positionsOf(subpath);
    const ring = fill || subpath.closed ? ringOf(positions) : null;
    if (ring) rings.push(ring);
    // What is closed and has no area is a line there and back.
    else if (positions.length > 1 && !fill) lines.push(positions);
  }
  // A path that is partly closed and partly open, and not painted, is all lines.
  if (lines.length > 0) lines.unshift(...rings);
  if (lines.length === 1) return { type: "LineString", coordinates: lines[0]! };
  if (lines.length > 1) return { type: "MultiLineString", coordinates: lines };
  if (rings.length === 0) return null;
  const polygons = rings.length === 1 ? [rings] : nested(rings, rule);
  if (polygons.length === 1) return { type: "Polygon", coordinates: polygons[0]! };
  return polygons.length === 0 ? null : { type: "MultiPolygon", coordinates: polygons };
}

/** Null for what has no area. */
function ringOf(positions: Position[]): Ring | null {
  const ring = [...positions];
  const [first] = ring;
  const last = ring.at(-1);
  if (!first || !last) return null;
  if (first[0] !== last[0] || first[1] !== last[1]) ring.push([first[0], first[1]]);
  return ring.length > 3 && areaOf(ring) !== 0 ? ring : null;
}

/** Positive where it goes clockwise as people see it: y grows downwards. */
export function areaOf(ring: Ring): number {
  let twice = 0;
  // From the first corner: large coordinates would otherwise lose the area of a small ring.
  const [originX, originY] = ring[0]!;
  for (let at = 1; at < ring.length; at += 1) {
    const [x1, y1] = ring[at - 1]!;
    const [x2, y2] = ring[at]!;
    twice += (x1 - originX) * (y2 - originY) - (x2 - originX) * (y1 - originY);
  }
  return twice / 2;
}

/**
 * Rings to polygons: which are shells and which are holes in them. A ring is a boundary where the rule says otherwise inside of it than
 * outside; rings that cross each other are left to the check of geometries. Each is told by the rings that it lies in.
 */
function nested(rings: readonly Ring[], rule: Painted["rule"]): Ring[][] {
  const all = rings.map((ring) => ({ ring, box: boxOf(ring), area: areaOf(ring) }));
  // From the largest: what contains a ring comes before it.
  all.sort((one, other) => Math.abs(other.area) - Math.abs(one.area));
  const polygons: Ring[][] = [];
  const placed: { ring: Ring; box: Box; inside: number; shell: Ring[] | null }[] = [];
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

export function boxOf(positions: readonly Position[]): Box {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of positions) {
    if (x < minX) minX = x;
    if (x > maxX) maxX = x;
    if (y < minY) minY = y;
    if (y > maxY) maxY = y;
  }
  return [minX, minY, maxX, maxY];
}

const contains = (outer: Box, inner: Box): boolean =>
  outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];

/** By the first corner of `inner` that does not lie on `outer`; a ring with all of them on it counts as inside. */
function ringHolds(outer: Ring, inner: Ring): boolean {
  for (const [x, y] of inner) {
    const side = sideOf(outer, x, y);
    if (side !== 0) return side > 0;
  }
  return true;
}

/** 1 inside, -1 outside, 0 on the ring. */
export function sideOf(ring: Ring, x: number, y: number): number {
  let inside = false;
  for (let at = 1; at < ring.length; at += 1) {
    const [x1, y1] = ring[at - 1]!;
    const [x2, y2] = ring[at]!;
    const turn = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1);
    if (turn === 0 && x >= Math.min(x1, x2) && x <= Math.max(x1, x2) && y >= Math.min(y1, y2) && y <= Math.max(y1, y2))
      return 0;
    if (y1 > y !== y2 > y && turn > 0 === y2 > y1) inside = !inside;
  }
  return inside ? 1 : -1;
}
