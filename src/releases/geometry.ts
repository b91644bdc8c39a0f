/** Is a GeoJSON geometry valid? Shape by hand, topology of polygons by JTS's own validity test. */
import GeometryFactory from "jsts/org/locationtech/jts/geom/GeometryFactory.js";
import GeoJSONReader from "jsts/org/locationtech/jts/io/GeoJSONReader.js";
import IsValidOp from "jsts/org/locationtech/jts/operation/valid/IsValidOp.js";

const reader = new GeoJSONReader(new GeometryFactory());

/** Depth of arrays around a position, by geometry type. */
const DEPTH: Record<string, number> = {
  Point: 0,
  MultiPoint: 1,
  LineString: 1,
  MultiLineString: 2,
  Polygon: 2,
  MultiPolygon: 3,
};

type Json = Record<string, unknown>;

/** Coordinates beyond this lose whole units to double precision in the topology test. */
const MAX_COORDINATE = 1e9;

/** One sentence that says what is wrong and where, or null. Accepts 2D and 3D positions, any coordinate system. */
export function geometryProblem(geometry: unknown): string | null {
  if (geometry === null || typeof geometry !== "object") return "there is no geometry object";
  const { type, coordinates, geometries } = geometry as Json;
  if (type === "GeometryCollection") {
    if (!Array.isArray(geometries) || geometries.length === 0) return "GeometryCollection has no geometries";
    return geometries.map(geometryProblem).find((problem) => problem !== null) ?? null;
  }
  const depth = typeof type === "string" ? DEPTH[type] : undefined;
  if (depth === undefined) return `${JSON.stringify(type)} is not a geometry type`;
  return (
    shapeProblem(coordinates, depth, "coordinates") ??
    lineProblem(String(type), coordinates) ??
    topologyProblem(geometry as Json)
  );
}

function shapeProblem(value: unknown, depth: number, path: string): string | null {
  if (!Array.isArray(value)) return `${path} is not an array`;
  if (depth > 0) {
    if (value.length === 0) return `${path} is empty`;
    for (const [index, part] of value.entries()) {
      const problem = shapeProblem(part, depth - 1, `${path}[${index}]`);
      if (problem) return problem;
    }
    return null;
  }
  if (value.length < 2 || value.length > 4) return `${path} has ${value.length} numbers; a position has 2 or 3`;
  const wrong = value.find(
    (number) => typeof number !== "number" || !Number.isFinite(number) || Math.abs(number) > MAX_COORDINATE,
  );
  return wrong === undefined ? null : `${path} holds ${JSON.stringify(wrong)}, which is not a usable coordinate`;
}

function lineProblem(type: string, coordinates: unknown): string | null {
  const lines = type === "LineString" ? [coordinates] : type === "MultiLineString" ? (coordinates as unknown[]) : [];
  if (lines.some((line) => (line as unknown[]).length < 2)) return "a line needs at least 2 positions";
  const polygons = type === "Polygon" ? [coordinates] : type === "MultiPolygon" ? (coordinates as unknown[]) : [];
  for (const ring of (polygons as number[][][][]).flat()) {
    if (ring.length < 4) return `a ring needs at least 4 positions and has ${ring.length}`;
    const [first, last] = [ring[0], ring.at(-1)];
    if (first?.[0] !== last?.[0] || first?.[1] !== last?.[1])
      return `a ring is not closed: it begins at ${JSON.stringify(first)} and ends at ${JSON.stringify(last)}`;
  }
  return null;
}

/** Only areas can be wrong topologically: self-crossing rings, holes outside, overlapping parts. */
function topologyProblem(geometry: Json): string | null {
  if (geometry["type"] !== "Polygon" && geometry["type"] !== "MultiPolygon") return null;
  const test = new IsValidOp(reader.read(geometry));
  if (test.isValid()) return null;
  const error = test.getValidationError();
  const at = error.getCoordinate();
  return `${error.getMessage()} at ${at.x}, ${at.y}`;
}
