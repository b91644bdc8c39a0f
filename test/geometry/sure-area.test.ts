import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { topologyProblem } from "../../src/geometry/geometry-problem.ts";
import { quickProblem } from "../../src/geometry/quick-problem.ts";
import { polygonsOf, shapeProblem, type Ring } from "../../src/geometry/shape.ts";
import { isSurelyValid } from "../../src/geometry/sure-area.ts";

const closed = (ring: number[][]): number[][] => [...ring, ring[0]!];
/** Few values, so that corners coincide, edges overlap and points lie on lines. */
const coarse = fc.integer({ min: 0, max: 6 });
/** As coarse, but off by the last few bits: what a sign test in doubles gets wrong. */
const close = fc
  .tuple(coarse, fc.integer({ min: -4, max: 4 }), fc.constantFrom(1, 0.1, 1 / 3, 1e-9, 1e8))
  .map(([value, bits, scale]) => value * scale * (1 + bits * 2 ** -52));
const free = fc.double({ min: -180, max: 180, noNaN: true });
const ring = (coordinate: fc.Arbitrary<number>, maxLength = 9) =>
  fc.array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength }).map((points) => closed(points));
/** Around a centre, so that many of them are valid; with corners doubled, spikes, and corners moved onto others. */
const star = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom("", "double", "spike", "touch")), {
      minLength: 3,
      maxLength: 24,
    }),
    fc.constantFrom(1, 1e-7, 1e7, 0.1),
    fc.constantFrom(0, 55.123, -1e6),
  )
  .map(([corners, scale, shift]) => {
    const points = corners.flatMap(([radius, fault], at) => {
      const angle = (at / corners.length) * 2 * Math.PI;
      const point = [shift + scale * radius * Math.cos(angle), shift + scale * radius * Math.sin(angle)];
      if (fault === "double") return [point, point];
      if (fault === "spike") return [point, [shift + 9 * scale, shift], point];
      return fault === "touch" ? [[shift + scale, shift]] : [point];
    });
    return closed(points);
  });
const rings = fc.oneof(ring(coarse), ring(close), ring(free, 5), star);

let sure = 0;
beforeEach(() => (sure = 0));

function agree(area: { type: "Polygon" | "MultiPolygon"; coordinates: unknown }): void {
  if (shapeProblem(area) !== null || !isSurelyValid(polygonsOf(area)!)) return;
  sure += 1;
  expect(topologyProblem(area)).toBeNull();
}

describe("what is called valid at once", () => {
  it("is valid by JTS: rings", () => {
    fc.assert(
      fc.property(rings, (shell) => agree({ type: "Polygon", coordinates: [shell] })),
      { numRuns: 20_000 },
    );
    // Else nothing was compared.
    expect(sure).toBeGreaterThan(1_000);
  });

  it("is valid by JTS: polygons with holes", () => {
    const holes = fc.array(fc.oneof(ring(coarse, 5), ring(close, 5), star), { minLength: 1, maxLength: 3 });
    const shell = fc.constantFrom<number[][]>(
      closed([[-1, -1], [8, -1], [8, 8], [-1, 8]]),
      closed([[0, 0], [6, 0], [6, 6], [3, 3], [0, 6]]),
      closed([[-1e9, -1e9], [1e9, -1e9], [0, 1e9]]),
    ); // prettier-ignore
    fc.assert(
      fc.property(shell, holes, (outer, inner) => agree({ type: "Polygon", coordinates: [outer, ...inner] })),
      { numRuns: 5_000 },
    );
    expect(sure).toBeGreaterThan(10);
  });

  it("is valid by JTS: several polygons", () => {
    // Of others few are valid by themselves, and hardly any two of them beside each other.
    const box = fc
      .tuple(coarse, coarse, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }))
      .map(([x, y, width, height]) => closed([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])); // prettier-ignore
    const moved = fc
      .tuple(fc.oneof(rings, box), fc.constantFrom(0, 3, 6, 10))
      .map(([one, by]) => [one.map(([x = 0, y = 0]) => [x + by, y])]);
    fc.assert(
      fc.property(fc.array(moved, { minLength: 2, maxLength: 4 }), (coordinates) =>
        agree({ type: "MultiPolygon", coordinates }),
      ),
      { numRuns: 5_000 },
    );
    expect(sure).toBeGreaterThan(100);
  });

  const around = (corners: number, radius = 1, x = 0): number[][] =>
    closed(
      Array.from({ length: corners }, (_, at) => {
        const angle = (at / corners) * 2 * Math.PI;
        return [x + radius * Math.cos(angle), radius * Math.sin(angle)];
      }),
    );
  const square: Ring = closed([[0, 0], [5, 0], [10, 0], [10, 10], [0, 10]]); // prettier-ignore

  it.each([
    ["a square with a corner on its side", [[square]]],
    ["the same the other way round", [[square.toReversed()]]],
    ["a triangle", [[around(3)]]],
    ["with every corner doubled", [[square.flatMap((each) => [each, each])]]],
    ["a circle of 128 edges", [[around(128)]]],
    ["a ring with a hole", [[around(16, 2), around(8)]]],
    ["two that are apart", [[around(16)], [around(8, 1, 3)]]],
  ])("has the common areas among it: %s", (_, coordinates) => {
    expect(quickProblem({ type: "MultiPolygon", coordinates })).toBeNull();
  });

  it.each([
    ["a bow tie", [[closed([[0, 0], [10, 10], [10, 0], [0, 10]])]]], // prettier-ignore
    ["a spike", [[closed([[0, 0], [10, 0], [20, 0], [10, 0], [10, 10]])]]], // prettier-ignore
    ["a ring that touches itself", [[closed([[0, 0], [10, 0], [5, 5], [10, 10], [0, 10], [5, 5]])]]], // prettier-ignore
    ["two corners only", [[closed([[0, 0], [1, 1], [1, 1]])]]], // prettier-ignore
    ["a line there and back", [[closed([[0, 0], [5, 0], [10, 0]])]]], // prettier-ignore
    ["a hole outside", [[around(8), around(8, 1, 9)]]],
    ["a hole in a hole", [[around(8, 9), around(8, 3), around(8)]]],
    ["a hole that touches", [[square, closed([[5, 0], [7, 5], [3, 5]])]]], // prettier-ignore
    ["a polygon in another", [[around(8, 9)], [around(8)]]],
    ["129 edges", [[around(129)]]],
  ])("leaves open: %s", (_, coordinates) => {
    expect(quickProblem({ type: "MultiPolygon", coordinates })).toBeUndefined();
  });
});

it("tells no problem that follows an open one in a collection", () => {
  const open = { type: "Polygon", coordinates: [closed([[0, 0], [10, 10], [10, 0], [0, 10]])] }; // prettier-ignore
  const wrong = { type: "Point", coordinates: [] };
  expect(quickProblem({ type: "GeometryCollection", geometries: [open, wrong] })).toBeUndefined();
  expect(quickProblem({ type: "GeometryCollection", geometries: [wrong, open] })).toContain("has 0 numbers");
});
