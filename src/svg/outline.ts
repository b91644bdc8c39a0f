/**
 * A pen that flattens: what a path or a basic shape draws, as lines in the picture's pixels. Points of curves are placed so that the line
 * is nowhere farther from the curve than `TOLERANCE`; ends of segments stay where they are.
 *
 * Points are whole thousandths of a pixel from here on, x and y in turns: an array for each of them takes several times as long to make
 * and to throw away as all of the geometry.
 */
import type { Matrix } from "transformation-matrix";
import { DECIMALS, MAX_COORDINATE, TOLERANCE } from "./limits.ts";
import type { Pen } from "./path-scanner.ts";

/** One piece of an outline. */
export interface Subpath {
  /** x, y, x, y, … in thousandths of a pixel; none repeats the one before. */
  points: number[];
  closed: boolean;
}

export interface Outline extends Pen {
  /** Begins a shape. `matrix`: from its coordinates to the picture's. */
  begin(matrix: Matrix): void;
  /** What has been drawn since. Null when some of it was no number, or beyond `MAX_COORDINATE`. */
  end(): Subpath[] | null;
}

/** Lines that one curve becomes at most: those of a circle as large as coordinates may be. */
const MAX_LINES = 100_000;

const MAX_POINT = MAX_COORDINATE * DECIMALS;

// Where the pen is, in the picture and, for arcs, in the shape's own coordinates; where its subpath began; its last point.
const [X, Y, OWN_X, OWN_Y, START_X, START_Y, LAST_X, LAST_Y] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
/** How much the matrix enlarges at most: its largest singular value. */
const SCALE = 8;
const PLACES = 9;

/** One for all shapes of a plan, one after the other. */
export function createOutline(): Outline {
  // Numbers that change stay in an array of doubles: a variable of a closure is a new object each time that it changes, which was most of
  // what drawing a plan threw away.
  const at = new Float64Array(PLACES);
  let matrix: Matrix = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };
  let subpaths: Subpath[] = [];
  let points: number[] = [];
  let drawing = false;
  let sound = true;

  const begin = (): void => {
    if (drawing) return;
    points = [];
    subpaths.push({ points, closed: false });
    drawing = true;
    at[LAST_X] = at[LAST_Y] = Number.NaN;
    put(at[X]!, at[Y]!);
  };
  const put = (toX: number, toY: number): void => {
    // Plus 0: there is no -0, which would make an array of small whole numbers one of doubles.
    const pointX = Math.round(toX * DECIMALS) + 0;
    const pointY = Math.round(toY * DECIMALS) + 0;
    if (!(Math.abs(pointX) <= MAX_POINT && Math.abs(pointY) <= MAX_POINT)) sound = false;
    if (pointX === at[LAST_X] && pointY === at[LAST_Y]) return;
    points.push(pointX, pointY);
    at[LAST_X] = pointX;
    at[LAST_Y] = pointY;
  };
  const goTo = (userX: number, userY: number): void => {
    const { a, b, c, d, e, f } = matrix;
    at[OWN_X] = userX;
    at[OWN_Y] = userY;
    at[X] = a * userX + c * userY + e;
    at[Y] = b * userX + d * userY + f;
  };
  /** Wang's bound: how many lines a curve needs whose control points bend by `bend`. */
  const linesFor = (bend: number): number =>
    sound ? Math.min(MAX_LINES, Math.max(1, Math.ceil(Math.sqrt(bend / TOLERANCE)))) : 1;

  return {
    begin(given) {
      matrix = given;
      const { a, b, c, d } = given;
      const [p, q] = [(a * a + b * b + c * c + d * d) / 2, a * d - b * c];
      at[SCALE] = Math.sqrt(p + Math.sqrt(Math.max(0, p * p - q * q)));
      subpaths = [];
      drawing = false;
      sound = true;
      at[START_X] = at[START_Y] = 0;
      goTo(0, 0);
    },
    move(toX, toY) {
      goTo(toX, toY);
      at[START_X] = toX;
      at[START_Y] = toY;
      // One that nothing is drawn from counts too: it is no place in a picture either.
      if (!(Math.abs(at[X]!) <= MAX_COORDINATE && Math.abs(at[Y]!) <= MAX_COORDINATE)) sound = false;
      drawing = false;
    },
    line(toX, toY) {
      begin();
      goTo(toX, toY);
      put(at[X]!, at[Y]!);
    },
    cubic(x1, y1, x2, y2, toX, toY) {
      begin();
      const { a, b, c, d, e, f } = matrix;
      const fromX = at[X]!;
      const fromY = at[Y]!;
      const ax = a * x1 + c * y1 + e;
      const ay = b * x1 + d * y1 + f;
      const bx = a * x2 + c * y2 + e;
      const by = b * x2 + d * y2 + f;
      goTo(toX, toY);
      const x = at[X]!;
      const y = at[Y]!;
      const bend = Math.max(
        Math.hypot(fromX - 2 * ax + bx, fromY - 2 * ay + by),
        Math.hypot(ax - 2 * bx + x, ay - 2 * by + y),
      );
      const lines = linesFor(bend * 0.75);
      for (let step = 1; step < lines; step += 1) {
        const t = step / lines;
        const s = 1 - t;
        const w0 = s * s * s;
        const w1 = 3 * s * s * t;
        const w2 = 3 * s * t * t;
        const w3 = t * t * t;
        put(w0 * fromX + w1 * ax + w2 * bx + w3 * x, w0 * fromY + w1 * ay + w2 * by + w3 * y);
      }
      put(x, y);
    },
    quadratic(x1, y1, toX, toY) {
      begin();
      const { a, b, c, d, e, f } = matrix;
      const fromX = at[X]!;
      const fromY = at[Y]!;
      const ax = a * x1 + c * y1 + e;
      const ay = b * x1 + d * y1 + f;
      goTo(toX, toY);
      const x = at[X]!;
      const y = at[Y]!;
      const lines = linesFor(Math.hypot(fromX - 2 * ax + x, fromY - 2 * ay + y) * 0.25);
      for (let step = 1; step < lines; step += 1) {
        const t = step / lines;
        const s = 1 - t;
        put(s * s * fromX + 2 * s * t * ax + t * t * x, s * s * fromY + 2 * s * t * ay + t * t * y);
      }
      put(x, y);
    },
    arc(rx, ry, degrees, large, sweep, toX, toY) {
      begin();
      const arc = arcOf(at[OWN_X]!, at[OWN_Y]!, Math.abs(rx), Math.abs(ry), degrees, large, sweep, toX, toY);
      goTo(toX, toY);
      if (arc) {
        const { a, b, c, d, e, f } = matrix;
        const radius = Math.max(arc.rx, arc.ry) * at[SCALE]!;
        const perLine = radius > TOLERANCE ? 2 * Math.acos(1 - TOLERANCE / radius) : Math.PI;
        const lines = sound ? Math.min(MAX_LINES, Math.max(1, Math.ceil(Math.abs(arc.sweep) / perLine))) : 1;
        for (let step = 1; step < lines; step += 1) {
          const angle = arc.start + (arc.sweep * step) / lines;
          const u = arc.rx * Math.cos(angle);
          const v = arc.ry * Math.sin(angle);
          const onX = arc.x + u * arc.cos - v * arc.sin;
          const onY = arc.y + u * arc.sin + v * arc.cos;
          put(a * onX + c * onY + e, b * onX + d * onY + f);
        }
      }
      put(at[X]!, at[Y]!);
    },
    close() {
      if (!drawing) begin();
      const last = subpaths.at(-1);
      if (last) last.closed = true;
      drawing = false;
      goTo(at[START_X]!, at[START_Y]!);
    },
    end: () => (sound ? subpaths : null),
  };
}

/** Centre, radii and angles of an arc between two points (SVG 2, B.2.4 and B.2.5); null where it is a straight line or nothing. */
function arcOf(
  x1: number,
  y1: number,
  rx: number,
  ry: number,
  degrees: number,
  large: boolean,
  sweep: boolean,
  x2: number,
  y2: number,
) {
  if (!(rx > 0 && ry > 0) || (x1 === x2 && y1 === y2)) return null;
  const turn = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const [dx, dy] = [(x1 - x2) / 2, (y1 - y2) / 2];
  const [px, py] = [cos * dx + sin * dy, -sin * dx + cos * dy];
  // Radii that do not reach are enlarged until they do.
  const short = Math.max(1, Math.sqrt((px / rx) ** 2 + (py / ry) ** 2));
  const [a, b] = [rx * short, ry * short];
  const over = (a * py) ** 2 + (b * px) ** 2;
  const factor = (large === sweep ? -1 : 1) * Math.sqrt(Math.max(0, ((a * b) ** 2 - over) / over));
  const [qx, qy] = [(factor * a * py) / b, (-factor * b * px) / a];
  const start = Math.atan2((py - qy) / b, (px - qx) / a);
  let angle = Math.atan2((-py - qy) / b, (-px - qx) / a) - start;
  if (sweep && angle < 0) angle += 2 * Math.PI;
  if (!sweep && angle > 0) angle -= 2 * Math.PI;
  const [x, y] = [cos * qx - sin * qy + (x1 + x2) / 2, sin * qx + cos * qy + (y1 + y2) / 2];
  return { x, y, rx: a, ry: b, cos, sin, start, sweep: angle };
}
