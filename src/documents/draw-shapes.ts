/** Overlays as SVG: shapes in their styles, labels where there is room for them. */

export interface DrawnShape {
  geometry: Record<string, unknown>;
  style: Record<string, unknown>;
  label: string;
}

/** A picture of so many pixels, and where in it a position is. */
export interface Frame {
  width: number;
  height: number;
  place(position: readonly number[]): [x: number, y: number];
}

type Point = [x: number, y: number];
/** Rings of one polygon, or one line. */
type Path = Point[][];

/** Labels that a picture shows at most. */
const MAX_LABELS = 400;
const COLOUR = /^(#[0-9a-f]{3,8}|[a-z]{3,20})$/i;

export function drawShapes(shapes: readonly DrawnShape[], frame: Frame, labels: boolean): string {
  const size = Math.max(14, Math.round(Math.max(frame.width, frame.height) / 75));
  const taken: Box[] = [];
  const drawn: string[] = [];
  const texts: string[] = [];
  for (const shape of shapes) {
    const { areas, lines, points } = placed(shape.geometry, frame);
    drawn.push(...marks(shape, { areas, lines, points }, size));
    if (!labels || shape.label === "" || texts.length >= MAX_LABELS) continue;
    const spot = spotOf(areas, points, shape.label, size);
    if (!spot || taken.some((other) => overlap(other, spot.box))) continue;
    taken.push(spot.box);
    texts.push(`<text x="${round(spot.x)}" y="${round(spot.y)}">${escaped(shape.label)}</text>`);
  }
  const family = "font-family=\"'Noto Sans','Vazirmatn','Noto Sans Hebrew',sans-serif\"";
  // Twice, the lower ones as a halo: a label must be read on any ground.
  const halo = `<g fill="none" stroke="#ffffff" stroke-opacity="0.85" stroke-width="${size / 4}" stroke-linejoin="round">${texts.join("")}</g>`;
  const above = `<g ${family} font-size="${size}" text-anchor="middle">${halo}<g fill="#1c2a36">${texts.join("")}</g></g>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${frame.width}" height="${frame.height}">${drawn.join("")}${above}</svg>`;
}

function placed(geometry: Record<string, unknown>, frame: Frame): { areas: Path[]; lines: Path; points: Point[] } {
  const { type, coordinates } = geometry as { type?: string; coordinates: never };
  const line = (positions: number[][]): Point[] => positions.map((position) => frame.place(position));
  const none = { areas: [], lines: [], points: [] };
  switch (type) {
    case "Point":
      return { ...none, points: [frame.place(coordinates)] };
    case "MultiPoint":
      return { ...none, points: line(coordinates) };
    case "LineString":
      return { ...none, lines: [line(coordinates)] };
    case "MultiLineString":
      return { ...none, lines: (coordinates as number[][][]).map(line) };
    case "Polygon":
      return { ...none, areas: [(coordinates as number[][][]).map(line)] };
    case "MultiPolygon":
      return { ...none, areas: (coordinates as number[][][][]).map((rings) => rings.map(line)) };
    case "GeometryCollection": {
      const parts = ((geometry["geometries"] ?? []) as Record<string, unknown>[]).map((part) => placed(part, frame));
      return {
        areas: parts.flatMap(({ areas }) => areas),
        lines: parts.flatMap(({ lines }) => lines),
        points: parts.flatMap(({ points }) => points),
      };
    }
    default:
      return none;
  }
}

function* marks(
  { style }: DrawnShape,
  { areas, lines, points }: ReturnType<typeof placed>,
  size: number,
): Generator<string> {
  const fill = colourOf(style["fill"]) ?? "#3d93a6";
  const stroke = colourOf(style["stroke"]) ?? fill;
  const opacity = numberOf(style["opacity"], 0, 1) ?? 0.35;
  const width = (numberOf(style["width"], 0.2, 40) ?? 1.5) * (size / 14);
  const pathOf = (path: Path, end: string): string =>
    path.map((part) => `M${part.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}${end}`).join("");
  for (const area of areas) {
    yield `<path d="${pathOf(area, "Z")}" fill="${fill}" fill-opacity="${opacity}" fill-rule="evenodd" stroke="${stroke}" stroke-opacity="0.8" stroke-width="${round(width)}"/>`;
  }
  if (lines.length > 0) {
    yield `<path d="${pathOf(lines, "")}" fill="none" stroke="${stroke}" stroke-opacity="${Math.max(opacity, 0.6)}" stroke-width="${round(width)}" stroke-linecap="round" stroke-linejoin="round"/>`;
  }
  for (const [x, y] of points)
    yield `<circle cx="${round(x)}" cy="${round(y)}" r="${round(size / 2.6)}" fill="${fill}" stroke="#ffffff" stroke-width="${round(size / 8)}"/>`;
}

const colourOf = (value: unknown): string | null => (typeof value === "string" && COLOUR.test(value) ? value : null);

function numberOf(value: unknown, least: number, most: number): number | null {
  return typeof value === "number" && Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : null;
}

/** Left, top, right, bottom. */
type Box = [number, number, number, number];

const overlap = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** In the middle of the widest area, if the label fits into it, or below the first point. */
function spotOf(areas: readonly Path[], points: readonly Point[], label: string, size: number) {
  const width = label.length * size * 0.58;
  const boxAt = (x: number, y: number): Box => [x - width / 2, y - size, x + width / 2, y + size * 0.3];
  const boxes = areas.flatMap(([shell]) => (shell ? [boundsOf(shell)] : []));
  const widest = boxes.toSorted((a, b) => b[2] - b[0] - (a[2] - a[0]))[0];
  if (widest) {
    const [x, y] = [(widest[0] + widest[2]) / 2, (widest[1] + widest[3]) / 2 + size * 0.35];
    return width <= (widest[2] - widest[0]) * 1.1 && size <= widest[3] - widest[1] ? { x, y, box: boxAt(x, y) } : null;
  }
  const point = points[0];
  return point ? { x: point[0], y: point[1] + size * 1.5, box: boxAt(point[0], point[1] + size * 1.5) } : null;
}

function boundsOf(ring: readonly Point[]): Box {
  const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of ring) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

const round = (value: number): number => Math.round(value * 10) / 10;

const escaped = (text: string): string =>
  text.replaceAll("\n", " ").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
