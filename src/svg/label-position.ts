/** Where the label of an area stands: inside of it, as far from its edges as can be (its pole of inaccessibility). */
import polylabel from "polylabel";
import { areaOf, boxOf, distanceTo, sideOf, type PlanGeometry, type Points } from "./rings.ts";

/** A place counts as the best when it is this near to it, as a share of the best distance that there can be. */
const NEAR = 0.1;

/** In thousandths of a pixel, not rounded; null for lines and points. Of several areas that of the largest. */
export function labelPosition(geometry: PlanGeometry): readonly [x: number, y: number] | null {
  if (!("polygons" in geometry)) return null;
  const [first, ...others] = geometry.polygons;
  let largest = first!;
  for (const each of others) if (Math.abs(areaOf(each[0]!)) > Math.abs(areaOf(largest[0]!))) largest = each;
  return placeIn(largest);
}

function placeIn(polygon: readonly Points[]): readonly [number, number] {
  const shell = polygon[0]!;
  const [minX, minY, maxX, maxY] = boxOf(polygon);
  // No circle in the area is larger than these two.
  const bound = Math.min(maxX - minX, maxY - minY, 2 * Math.sqrt(Math.abs(areaOf(shell)) / Math.PI)) / 2;
  // Most plots are compact: their centroid will do, and costs a tenth.
  const middle = polygon.length === 1 ? centroid(shell) : null;
  const fits = middle && sideOf(shell, ...middle) > 0 && distanceTo(shell, ...middle) >= bound * (1 - 2 * NEAR);
  if (fits) return middle;
  const positions = polygon.map(positionsOf);
  const [x = 0, y = 0] = polylabel(positions, Math.max(bound * NEAR, 1));
  if (sideOf(shell, x, y) > 0) return [x, y];
  // A sliver narrower than its precision is answered with a corner of its box.
  const [exactX = x, exactY = y] = polylabel(positions, 1e-3);
  return [exactX, exactY];
}

function positionsOf(points: Points): [number, number][] {
  const positions: [number, number][] = [];
  for (let at = 0; at < points.length; at += 2) positions.push([points[at]!, points[at + 1]!]);
  return positions;
}

function centroid(ring: Points): readonly [number, number] {
  const [originX = 0, originY = 0] = ring;
  let [twice, sumX, sumY, beforeX, beforeY] = [0, 0, 0, 0, 0];
  for (let at = 2; at < ring.length; at += 2) {
    const x = ring[at]! - originX;
    const y = ring[at + 1]! - originY;
    const cross = beforeX * y - x * beforeY;
    twice += cross;
    sumX += (beforeX + x) * cross;
    sumY += (beforeY + y) * cross;
    beforeX = x;
    beforeY = y;
  }
  return [originX + sumX / (3 * twice), originY + sumY / (3 * twice)];
}
