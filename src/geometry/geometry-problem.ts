/** Is a GeoJSON geometry valid? Shape by hand, topology of areas by JTS's own validity test where a cheap one leaves it open. */
import GeometryFactory from "jsts/org/locationtech/jts/geom/GeometryFactory.js";
import GeoJSONReader from "jsts/org/locationtech/jts/io/GeoJSONReader.js";
import IsValidOp from "jsts/org/locationtech/jts/operation/valid/IsValidOp.js";
import { quickProblem } from "./quick-problem.ts";

const reader = new GeoJSONReader(new GeometryFactory());

/**
 * One sentence that says what is wrong and where, or null. Accepts 2D and 3D positions, any coordinate system. JTS takes 60 µs for a
 * dozen vertices, seconds for half a million, and its time is not bounded: what zigzags costs the square of its vertices.
 */
export function geometryProblem(geometry: unknown): string | null {
  const told = quickProblem(geometry);
  if (told !== undefined) return told;
  const { type, geometries } = geometry as { type: unknown; geometries: unknown[] };
  if (type !== "GeometryCollection") return topologyProblem(geometry as object);
  for (const each of geometries) {
    const problem = geometryProblem(each);
    if (problem !== null) return problem;
  }
  return null;
}

/** What JTS says of an area of the right shape: self-crossing rings, holes outside, overlapping parts. */
export function topologyProblem(area: object): string | null {
  const { type, coordinates } = area as { type: unknown; coordinates: unknown };
  const test = new IsValidOp(reader.read({ type, coordinates: planar(coordinates) }));
  if (test.isValid()) return null;
  const error = test.getValidationError();
  const at = error.getCoordinate();
  return `${error.getMessage()} at ${at.x}, ${at.y}`;
}

/** Without heights and measures: JTS takes a fourth number for an invalid position, and throws where one end of a ring has it alone. */
function planar(coordinates: unknown): unknown {
  if (!Array.isArray(coordinates)) return coordinates;
  return typeof coordinates[0] === "number" ? coordinates.slice(0, 2) : coordinates.map(planar);
}
