/**
 * Areas that are certainly valid, told without a topology library: no two edges meet but neighbours in their common corner, holes lie
 * in their shell and in no other hole, polygons beside each other. What touches, or is too close to call in doubles, stays open.
 *
 * A comparison counts only where rounding cannot have turned it: positions are compared as they are, and a determinant only when it
 * is larger than the error bound of its evaluation (Shewchuk 1997, the A bound of orient2d).
 */
import type { Position, Ring, Rings } from "./shape.ts";

/** Edges at most: all pairs of 128 take 50 µs, a sixth of what JTS takes, those of a dozen 1 µs. The gateway checks while it imports. */
const MAX_EDGES = 128;

/** `polygons` as `polygonsOf` answers them, of the right shape. False says nothing. */
export function isSurelyValid(polygons: readonly Rings[]): boolean {
  // A polygon of many vertices must not even be copied here.
  let count = 0;
  for (const rings of polygons) for (const ring of rings) count += ring.length - 1;
  if (count > MAX_EDGES) return false;
  const areas = polygons.map((rings) => rings.map(edgesOf));
  const all = areas.flat();
  return (
    all.every(isSimple) &&
    all.every((ring, at) => all.slice(at + 1).every((other) => areApart(ring, other))) &&
    areas.every(holesInPlace) &&
    areas.every(([shell], at) => isBeside(shell, areas.slice(at + 1)))
  );
}

/** Corners without repetition; the last edge leads back to the first. */
interface Edges {
  x: number[];
  y: number[];
}

function edgesOf(ring: Ring): Edges {
  const edges: Edges = { x: [], y: [] };
  for (let at = 1; at < ring.length; at += 1) {
    const [x = 0, y = 0] = ring[at] as Position;
    const [beforeX, beforeY] = ring[at - 1] as Position;
    if (x === beforeX && y === beforeY) continue;
    if (isTiny(x) || isTiny(y)) return NONE;
    edges.x.push(x);
    edges.y.push(y);
  }
  return edges;
}

/** A ring of no corners is not simple. */
const NONE: Edges = { x: [], y: [] };

/** Products of such coordinates end beneath the smallest double, where JTS sees crossings that are none. */
const isTiny = (coordinate: number): boolean => coordinate !== 0 && Math.abs(coordinate) < TINY;

function isSimple(ring: Edges): boolean {
  const corners = ring.x.length;
  if (corners < 3) return false;
  for (let a = 0; a < corners; a += 1) {
    if (!turnsAway(ring, a)) return false;
    // The last edge is a neighbour of the first.
    const end = a === 0 ? corners - 1 : corners;
    for (let b = a + 2; b < end; b += 1) if (!isApart(ring, a, ring, b)) return false;
  }
  return true;
}

function areApart(one: Edges, other: Edges): boolean {
  for (let a = 0; a < one.x.length; a += 1)
    for (let b = 0; b < other.x.length; b += 1) if (!isApart(one, a, other, b)) return false;
  return true;
}

/** Of a corner's angle. JTS takes edges for crossing that part by less than a double can tell from zero, here about 1e-15. */
const MIN_SINE = 1e-10;

/** Edge `a` and the one after it share their corner and nothing else. */
function turnsAway({ x, y }: Edges, a: number): boolean {
  const next = a + 1 < x.length ? a + 1 : 0;
  const after = next + 1 < x.length ? next + 1 : 0;
  const x0 = x[a]!;
  const x1 = x[next]!;
  const x2 = x[after]!;
  const y0 = y[a]!;
  const y1 = y[next]!;
  const y2 = y[after]!;
  // Going on in the same direction they cannot come back, be they on one line or not.
  if ((x0 < x1 && x1 < x2) || (x0 > x1 && x1 > x2)) return true;
  if ((y0 < y1 && y1 < y2) || (y0 > y1 && y1 > y2)) return true;
  const ux = x0 - x1;
  const uy = y0 - y1;
  const vx = x2 - x1;
  const vy = y2 - y1;
  const turn = ux * vy - uy * vx;
  return turn * turn > MIN_SINE * MIN_SINE * (ux * ux + uy * uy) * (vx * vx + vy * vy);
}

function isApart(one: Edges, a: number, other: Edges, b: number): boolean {
  const nextA = a + 1 === one.x.length ? 0 : a + 1;
  const nextB = b + 1 === other.x.length ? 0 : b + 1;
  const ax = one.x[a]!;
  const bx = one.x[nextA]!;
  const cx = other.x[b]!;
  const dx = other.x[nextB]!;
  if (ax < bx ? isOutside(ax, bx, cx, dx) : isOutside(bx, ax, cx, dx)) return true;
  const ay = one.y[a]!;
  const by = one.y[nextA]!;
  const cy = other.y[b]!;
  const dy = other.y[nextB]!;
  if (ay < by ? isOutside(ay, by, cy, dy) : isOutside(by, ay, cy, dy)) return true;
  // Both ends of one strictly on the same side of the other's line.
  const c = side(ax, ay, bx, by, cx, cy);
  if (c !== 0 && c === side(ax, ay, bx, by, dx, dy)) return true;
  const over = side(cx, cy, dx, dy, ax, ay);
  return over !== 0 && over === side(cx, cy, dx, dy, bx, by);
}

/** Are c and d both before or both behind everything from `low` to `high`? */
function isOutside(low: number, high: number, c: number, d: number): boolean {
  return (c < low && d < low) || (c > high && d > high);
}

/** Rings that do not touch are inside each other as any one of their corners is. */
function holesInPlace([shell, ...holes]: readonly Edges[]): boolean {
  return holes.every(
    (hole, at) =>
      place(hole, shell!) === "inside" &&
      holes.every((other, otherAt) => at === otherAt || place(hole, other) === "outside"),
  );
}

/** An island in a lake is fine as well, but rare: that is left open. */
function isBeside(shell: Edges | undefined, others: readonly (readonly Edges[])[]): boolean {
  return others.every(([other]) => place(shell!, other!) === "outside" && place(other!, shell!) === "outside");
}

/** Where the first corner of `ring` lies, by the crossings of a ray to the right; null where that is too close to call. */
function place(ring: Edges, { x, y }: Edges): "inside" | "outside" | null {
  const [px, py] = [ring.x[0]!, ring.y[0]!];
  let crossings = 0;
  for (let a = 0, b = x.length - 1; a < x.length; b = a, a += 1) {
    // An end on the ray counts as above it, so that each corner of the ring is counted once.
    if (y[a]! > py === y[b]! > py) continue;
    const turn = side(x[b]!, y[b]!, x[a]!, y[a]!, px, py);
    if (turn === 0) return null;
    if (turn > 0 === y[a]! > y[b]!) crossings += 1;
  }
  return crossings % 2 === 1 ? "inside" : "outside";
}

const ERROR_BOUND = (3 + 16 * 2 ** -53) * 2 ** -53;
/** Between larger coordinates, differences are 0 or larger than 1e-116, and no digit of their products is lost. */
const TINY = 1e-100;

/** On which side of the line a → b is c: 1 left, −1 right; 0 on it or too close to call. */
function side(ax: number, ay: number, bx: number, by: number, cx: number, cy: number): -1 | 0 | 1 {
  const left = (ax - cx) * (by - cy);
  const right = (ay - cy) * (bx - cx);
  const turn = left - right;
  const error = ERROR_BOUND * (Math.abs(left) + Math.abs(right));
  return turn > error ? 1 : turn < -error ? -1 : 0;
}
