/** The shape of a GeoJSON geometry: what can be told without comparing its edges, in time that grows with its positions only. */

type Json = Record<string, unknown>;
export type Position = readonly number[];
export type Ring = readonly Position[];
/** A shell and its holes. */
export type Rings = readonly Ring[];

/** Depth of arrays around a position, by geometry type. */
const DEPTH: Record<string, number> = {
  Point: 0,
  MultiPoint: 1,
  LineString: 1,
  MultiLineString: 2,
  Polygon: 2,
  MultiPolygon: 3,
};

/** Coordinates beyond this lose whole units to double precision in the topology test. */
const MAX_COORDINATE = 1e9;

/** What is wrong with the shape of anything but a GeometryCollection: one sentence without its full stop, or null. */
export function shapeProblem({ type, coordinates }: Json): string | null {
  const depth = typeof type === "string" ? DEPTH[type] : undefined;
  if (depth === undefined) return `${JSON.stringify(type)} is not a geometry type`;
  const wrong = depth === 0 ? positionFault(coordinates) : nestingFault(coordinates, depth);
  return wrong === null ? lineProblem(String(type), coordinates) : `coordinates${wrong}`;
}

/** The polygons of an area whose shape is right, or null for what is no area. */
export function polygonsOf({ type, coordinates }: Json): readonly Rings[] | null {
  if (type === "Polygon") return [coordinates as Rings];
  return type === "MultiPolygon" ? (coordinates as Rings[]) : null;
}

/** What follows the path of `value`. Nothing is put together for what is right: there are millions of positions. */
function nestingFault(value: unknown, depth: number): string | null {
  if (!Array.isArray(value)) return " is not an array";
  if (value.length === 0) return " is empty";
  for (let index = 0; index < value.length; index += 1) {
    const fault = depth === 1 ? positionFault(value[index]) : nestingFault(value[index], depth - 1);
    if (fault !== null) return `[${index}]${fault}`;
  }
  return null;
}

function positionFault(value: unknown): string | null {
  if (!Array.isArray(value)) return " is not an array";
  if (value.length < 2 || value.length > 4) return ` has ${value.length} numbers; a position has 2 or 3`;
  for (const number of value as unknown[]) {
    // NaN fails every comparison.
    if (typeof number !== "number" || !(Math.abs(number) <= MAX_COORDINATE))
      return ` holds ${JSON.stringify(number)}, which is not a usable coordinate`;
  }
  return null;
}

function lineProblem(type: string, coordinates: unknown): string | null {
  const lines = type === "LineString" ? [coordinates] : type === "MultiLineString" ? (coordinates as unknown[]) : [];
  if (lines.some((line) => (line as unknown[]).length < 2)) return "a line needs at least 2 positions";
  for (const rings of polygonsOf({ type, coordinates }) ?? []) {
    for (const ring of rings) {
      if (ring.length < 4) return `a ring needs at least 4 positions and has ${ring.length}`;
      const [first, last] = [ring[0], ring.at(-1)];
      if (first?.[0] !== last?.[0] || first?.[1] !== last?.[1])
        return `a ring is not closed: it begins at ${JSON.stringify(first)} and ends at ${JSON.stringify(last)}`;
    }
  }
  return null;
}
