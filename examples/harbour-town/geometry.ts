/** Plane geometry in pixels of the picture: x to the right, y down. Polygons are open rings: the first point is not repeated. */
export type Point = readonly [x: number, y: number];
export type Ring = readonly Point[];

export const add = (a: Point, b: Point): Point => [a[0] + b[0], a[1] + b[1]];
export const along = (a: Point, b: Point, share: number): Point => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
];
export const distance = (a: Point, b: Point): number => Math.hypot(b[0] - a[0], b[1] - a[1]);

/** Each side of a ring as its two ends. */
export function sides(ring: Ring): [Point, Point][] {
  return ring.map((point, index) => [point, ring[(index + 1) % ring.length] ?? point]);
}

/** A ring as a line that ends where it began. */
export const closed = (ring: Ring): Point[] => [...ring, ...ring.slice(0, 1)];

/** Positive for clockwise rings (as seen on the picture). */
export function area(ring: Ring): number {
  return sides(ring).reduce((sum, [a, b]) => sum + (a[0] * b[1] - b[0] * a[1]) / 2, 0);
}

export function centre(ring: Ring): Point {
  const twice = area(ring) * 2;
  let x = 0;
  let y = 0;
  for (const [a, b] of sides(ring)) {
    const cross = a[0] * b[1] - b[0] * a[1];
    x += (a[0] + b[0]) * cross;
    y += (a[1] + b[1]) * cross;
  }
  return [x / (3 * twice), y / (3 * twice)];
}

/** Even-odd rule; works for any ring. */
export function contains(ring: Ring, [x, y]: Point): boolean {
  let inside = false;
  for (const [a, b] of sides(ring)) {
    if (a[1] > y !== b[1] > y && x < ((b[0] - a[0]) * (y - a[1])) / (b[1] - a[1]) + a[0]) inside = !inside;
  }
  return inside;
}

/** Shortest distance from a point to a line of several pieces. */
export function distanceToLine(line: readonly Point[], [x, y]: Point): number {
  let nearest = Infinity;
  for (let index = 1; index < line.length; index++) {
    const [a, b] = [line[index - 1] as Point, line[index] as Point];
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const share = Math.min(1, Math.max(0, ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy)));
    nearest = Math.min(nearest, Math.hypot(a[0] + share * dx - x, a[1] + share * dy - y));
  }
  return nearest;
}

/** What of `ring` lies on the inner (right-hand) side of a→b, `inset` pixels away from it. */
function clipBySide(ring: Ring, a: Point, b: Point, inset: number): Ring {
  const length = distance(a, b);
  const depth = ([x, y]: Point): number => ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / length - inset;
  return sides(ring).flatMap(([from, to]) => {
    const [start, end] = [depth(from), depth(to)];
    const kept = start >= 0 ? [from] : [];
    return start >= 0 === end >= 0 ? kept : [...kept, along(from, to, start / (start - end))];
  });
}

/** `ring` ∩ `frame` moved inwards by `inset` pixels. Both clockwise, `frame` convex; an empty ring if nothing is left. */
export function clip(ring: Ring, frame: Ring, inset = 0): Ring {
  return sides(frame).reduce<Ring>((left, [a, b]) => (left.length < 3 ? [] : clipBySide(left, a, b, inset)), ring);
}

/** A convex ring moved inwards by `inset` pixels. */
export const shrink = (ring: Ring, inset: number): Ring => clip(ring, ring, inset);

/** Turns points by `degrees` about `pivot`; the plan's grids are drawn straight and then turned. */
export function turner(pivot: Point, degrees: number): (point: Point) => Point {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return ([x, y]) => [
    pivot[0] + (x - pivot[0]) * cos - (y - pivot[1]) * sin,
    pivot[1] + (x - pivot[0]) * sin + (y - pivot[1]) * cos,
  ];
}

export function rectangle(left: number, top: number, width: number, height: number): Ring {
  return [
    [left, top],
    [left + width, top],
    [left + width, top + height],
    [left, top + height],
  ];
}

/** A smooth line through all points (Catmull-Rom), `pieces` straight pieces between two of them. */
export function smooth(points: readonly Point[], pieces = 8): Point[] {
  const at = (index: number): Point => points[Math.min(points.length - 1, Math.max(0, index))] as Point;
  const line: Point[] = [];
  for (let index = 0; index < points.length - 1; index++) {
    const [p, q, r, s] = [at(index - 1), at(index), at(index + 1), at(index + 2)];
    for (let piece = 0; piece < pieces; piece++) {
      const t = piece / pieces;
      const mix = (axis: 0 | 1): number =>
        0.5 *
        (2 * q[axis] +
          (r[axis] - p[axis]) * t +
          (2 * p[axis] - 5 * q[axis] + 4 * r[axis] - s[axis]) * t * t +
          (3 * q[axis] - p[axis] - 3 * r[axis] + s[axis]) * t * t * t);
      line.push([mix(0), mix(1)]);
    }
  }
  return [...line, at(points.length - 1)];
}

/** A smooth closed ring through all points. */
export function smoothRing(points: readonly Point[], pieces = 8): Ring {
  const around = [...points.slice(-1), ...points, ...points.slice(0, 2)];
  return smooth(around, pieces).slice(pieces, pieces * (points.length + 1));
}

/** Points every `step` pixels along a line. */
export function spaced(line: readonly Point[], step: number): Point[] {
  const found: Point[] = [];
  let left = step / 2;
  for (let index = 1; index < line.length; index++) {
    const [a, b] = [line[index - 1] as Point, line[index] as Point];
    const length = distance(a, b);
    for (; left <= length; left += step) found.push(along(a, b, left / length));
    left -= length;
  }
  return found;
}

/** A line moved to its right-hand side (left for negative `by`) by `by` pixels; corners are mitred. */
export function beside(line: readonly Point[], by: number): Point[] {
  const normal = (a: Point, b: Point): Point => [-(b[1] - a[1]) / distance(a, b), (b[0] - a[0]) / distance(a, b)];
  return line.map((point, index) => {
    const before = line[index - 1];
    const after = line[index + 1];
    const first = before ? normal(before, point) : normal(point, after as Point);
    const second = after ? normal(point, after) : first;
    const scale = by / (1 + first[0] * second[0] + first[1] * second[1]);
    return [point[0] + (first[0] + second[0]) * scale, point[1] + (first[1] + second[1]) * scale];
  });
}
