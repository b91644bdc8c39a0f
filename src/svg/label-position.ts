/** Where the label of an area stands: inside of it, as far from its edges as can be (its pole of inaccessibility). */
import polylabel from "polylabel";
import { DECIMALS } from "./limits.ts";
import { areaOf, boxOf, sideOf, type PlanGeometry, type Position, type Ring } from "./rings.ts";

/** A place counts as the best when it is this near to it, as a share of the best distance that there can be. */
const NEAR = 0.1;
/** Corners of an area whose middle is tried first. */
const FEW_CORNERS = 64;

/** Null for lines. Of several areas that of the largest. */
export function labelPosition(geometry: PlanGeometry): Position | null {
  if (geometry.type === "Polygon") return placeIn(geometry.coordinates);
  if (geometry.type !== "MultiPolygon") return null;
  let largest: Ring[] | null = null;
  let most = -1;
  for (const polygon of geometry.coordinates) {
    const area = Math.abs(areaOf(polygon[0]!));
    if (area > most) [most, largest] = [area, polygon];
  }
  return largest && placeIn(largest);
}

function placeIn(polygon: Ring[]): Position {
  const shell = polygon[0]!;
  const [minX, minY, maxX, maxY] = boxOf(shell);
  const area = Math.abs(areaOf(shell));
  // No circle in the area is larger than these two.
  const bound = Math.min(maxX - minX, maxY - minY, 2 * Math.sqrt(area / Math.PI)) / 2;
  const middle = shell.length <= FEW_CORNERS && polygon.length === 1 ? centroid(shell) : null;
  if (middle && sideOf(shell, ...middle) > 0 && distance(shell, ...middle) >= bound * (1 - 2 * NEAR)) return printed(middle);
  const [x = 0, y = 0] = polylabel(polygon, Math.max(bound * NEAR, 1 / DECIMALS));
  // A sliver narrower than its precision is answered with a corner of its box.
  return printed(sideOf(shell, x, y) > 0 ? [x, y] : (polylabel(polygon, 1e-9) as unknown as Position));
}

const printed = ([x, y]: Position): Position => [Math.round(x * DECIMALS) / DECIMALS, Math.round(y * DECIMALS) / DECIMALS];

function centroid(ring: Ring): Position {
  const [originX, originY] = ring[0]!;
  let [twice, sumX, sumY] = [0, 0, 0];
  for (let at = 1; at < ring.length; at += 1) {
    const [x1, y1] = [ring[at - 1]![0] - originX, ring[at - 1]![1] - originY];
    const [x2, y2] = [ring[at]![0] - originX, ring[at]![1] - originY];
    const cross = x1 * y2 - x2 * y1;
    twice += cross;
    sumX += (x1 + x2) * cross;
    sumY += (y1 + y2) * cross;
  }
  return [originX + sumX / (3 * twice), originY + sumY / (3 * twice)];
}

function distance(ring: Ring, x: number, y: number): number {
  let least = Infinity;
  for (let at = 1; at < ring.length; at += 1) {
    const [x1, y1] = ring[at - 1]!;
    const [x2, y2] = ring[at]!;
    const [dx, dy] = [x2 - x1, y2 - y1];
    const along = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy)));
    least = Math.min(least, (x - x1 - along * dx) ** 2 + (y - y1 - along * dy) ** 2);
  }
  return Math.sqrt(least);
}
