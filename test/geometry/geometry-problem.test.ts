import { describe, expect, it } from "vitest";
import { geometryProblem } from "../../src/geometry/geometry-problem.ts";

const square = [
  [
    [0, 0],
    [10, 0],
    [10, 10],
    [0, 10],
    [0, 0],
  ],
];
const hole = [
  [2, 2],
  [4, 2],
  [4, 4],
  [2, 4],
  [2, 2],
];

describe("geometryProblem", () => {
  it.each([
    ["a point", { type: "Point", coordinates: [1, 2] }],
    ["a 3D point", { type: "Point", coordinates: [1, 2, 3] }],
    [
      "a line",
      {
        type: "LineString",
        coordinates: [
          [0, 0],
          [1, 1],
        ],
      },
    ],
    ["a polygon with a hole", { type: "Polygon", coordinates: [...square, hole] }],
    [
      "two polygons",
      {
        type: "MultiPolygon",
        coordinates: [
          square,
          [
            [
              [20, 0],
              [30, 0],
              [30, 10],
              [20, 0],
            ],
          ],
        ],
      },
    ],
    ["a collection", { type: "GeometryCollection", geometries: [{ type: "Point", coordinates: [1, 2] }] }],
  ])("accepts %s", (_, geometry) => {
    expect(geometryProblem(geometry)).toBeNull();
  });

  it.each([
    ["nothing", null, "no geometry"],
    ["an unknown type", { type: "Circle", coordinates: [] }, '"Circle" is not a geometry type'],
    ["no coordinates", { type: "Point" }, "coordinates is not an array"],
    ["an empty polygon", { type: "Polygon", coordinates: [] }, "coordinates is empty"],
    ["a single number", { type: "Point", coordinates: [1] }, "has 1 numbers"],
    [
      "text for a number",
      {
        type: "LineString",
        coordinates: [
          [0, 0],
          [1, "2"],
        ],
      },
      'coordinates[1] holds "2"',
    ],
    ["NaN", { type: "Point", coordinates: [Number.NaN, 0] }, "not a usable coordinate"],
    ["1e308", { type: "Point", coordinates: [1e308, 0] }, "not a usable coordinate"],
    ["a line of one position", { type: "LineString", coordinates: [[0, 0]] }, "at least 2 positions"],
    [
      "an open ring",
      {
        type: "Polygon",
        coordinates: [
          [
            [0, 0],
            [10, 0],
            [10, 10],
            [0, 10],
          ],
        ],
      },
      "not closed",
    ],
    [
      "a ring of three",
      {
        type: "Polygon",
        coordinates: [
          [
            [0, 0],
            [1, 0],
            [0, 0],
          ],
        ],
      },
      "at least 4",
    ],
    [
      "a bow tie",
      {
        type: "Polygon",
        coordinates: [
          [
            [0, 0],
            [10, 10],
            [10, 0],
            [0, 10],
            [0, 0],
          ],
        ],
      },
      "Self-intersection at 5, 5",
    ],
    [
      "a hole outside",
      { type: "Polygon", coordinates: [...square, hole.map(([x = 0, y = 0]) => [x + 50, y])] },
      "Hole lies outside",
    ],
    ["an empty collection", { type: "GeometryCollection", geometries: [] }, "no geometries"],
  ])("says what is wrong with %s", (_, geometry, message) => {
    expect(geometryProblem(geometry)).toContain(message);
  });
});
