/**
 * GeoJSON geometries (RFC 7946) by shape only: publishing checks closed rings, crossings and the like.
 *
 * Coordinates are looked at by hand: zod would copy each position, and make a problem of each wrong one before anyone could stop it
 * (a line of 260,000 positions with one number each: 7 s and 500 MB).
 */
import { z } from "zod";
import { checkedValue, type Fault } from "./checked-value.ts";

/** `depth`: levels of arrays around a position. */
function* faultsOf(value: unknown, depth: number, path: Fault["path"] = []): Generator<Fault, void, undefined> {
  if (!Array.isArray(value)) {
    yield { path, message: `must be an array${depth === 0 ? " of numbers" : ""}` };
    return;
  }
  if (depth > 0) {
    for (let i = 0; i < value.length; i += 1)
      if (depth > 1 || !isPosition(value[i])) yield* faultsOf(value[i], depth - 1, [...path, i]);
    return;
  }
  if (value.length < 2) yield { path, message: `has ${value.length} numbers; a position has at least 2` };
  for (const [i, number] of value.entries())
    if (typeof number !== "number") yield { path: [...path, i], message: "must be a number" };
}

function isPosition(value: unknown): boolean {
  return Array.isArray(value) && value.length >= 2 && value.every((number) => typeof number === "number");
}

const position = z.array(z.number()).min(2).meta({ description: "Longitude (or x), latitude (or y), …" });

function coordinates(depth: number): z.ZodType<unknown[]> {
  let described: z.ZodType = position;
  for (let i = 0; i < depth; i += 1) described = z.array(described);
  const { $schema: _, ...json } = z.toJSONSchema(described);
  return checkedValue<unknown[]>((value) => faultsOf(value, depth), json);
}

const line = coordinates(1);
const rings = coordinates(2);

export const geometry = z.discriminatedUnion("type", [
  z.object({ type: z.literal("Point"), coordinates: coordinates(0) }),
  z.object({ type: z.literal("MultiPoint"), coordinates: line }),
  z.object({ type: z.literal("LineString"), coordinates: line }),
  z.object({ type: z.literal("MultiLineString"), coordinates: rings }),
  z.object({ type: z.literal("Polygon"), coordinates: rings }),
  z.object({ type: z.literal("MultiPolygon"), coordinates: coordinates(3) }),
  z.object({
    type: z.literal("GeometryCollection"),
    get geometries(): z.ZodArray<z.ZodType<Record<string, unknown>>> {
      return z.array(geometry);
    },
  }),
]);
