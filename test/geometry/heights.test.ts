/** Third and fourth numbers of positions say nothing about an area, wherever they are and wherever they are missing. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { geometryProblem, topologyProblem } from "../../src/geometry/geometry-problem.ts";

const place = fc.tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 }));
const ring = fc.array(place, { minLength: 3, maxLength: 8 }).map((places) => [...places, places[0]!]);
const more = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { maxLength: 2 });

test("an area has the same verdict with them and without", () => {
  fc.assert(
    fc.property(fc.array(ring, { minLength: 1, maxLength: 3 }), fc.array(more, { minLength: 1 }), (rings, extras) => {
      const flat = { type: "Polygon", coordinates: rings };
      let at = 0;
      const high = {
        ...flat,
        coordinates: rings.map((each) => each.map((position) => [...position, ...extras[(at += 1) % extras.length]!])),
      };
      expect(topologyProblem(high)).toBe(topologyProblem(flat));
      expect(geometryProblem(high)).toBe(geometryProblem(flat));
    }),
    { numRuns: 500 },
  );
});

test("nothing that JSON can hold makes the test itself fail", () => {
  const type = fc.constantFrom("Polygon", "MultiPolygon", "GeometryCollection", "constructor", "__proto__", "toString");
  const anything = fc.record({ type, coordinates: fc.jsonValue(), geometries: fc.jsonValue() });
  fc.assert(
    fc.property(anything, (geometry) => {
      expect(geometryProblem(geometry)).toEqual(expect.any(String));
    }),
  );
});
