/** Each kind of shape and each way to place it, with the coordinates that they must have: reckoned by hand. */
import { describe, expect, it } from "vitest";
import { TOLERANCE } from "../../src/svg/limits.ts";
import { drawn, geometryOf, planOf, svg } from "./plan-of.ts";

const ring = (...points: number[][]): number[][] => [...points, points[0] ?? []];
const polygon = (...rings: number[][][]) => ({ type: "Polygon", coordinates: rings });
const SQUARE = polygon(ring([10, 20], [30, 20], [30, 40], [10, 40]));
/** Drawn from its own corner, to be moved to where the square is. */
const AT_ORIGIN = `<path d="M0 0h20v20h-20z"/>`;

describe.each<[what: string, body: string, expected: object[], attributes?: string]>([
  ["a rect", `<rect x="10" y="20" width="20" height="20"/>`, [SQUARE]],
  ["a rect in units", `<rect x="10px" y="15pt" width="0.2083333333in" height="5.2916667mm"/>`, [SQUARE]],
  [
    "a rect in percent of the viewBox",
    `<rect x="5%" y="20%" width="10%" height="20%"/>`,
    [SQUARE],
    `viewBox="0 0 200 100"`,
  ],
  ["a polygon", `<polygon points="10,20 30,20 30,40 10,40"/>`, [SQUARE]],
  ["a polygon without commas", `<polygon points="10 20 30 20 30 40 10 40 "/>`, [SQUARE]],
  ["an open polyline that is filled", `<polyline points="10,20 30,20 30,40 10,40"/>`, [SQUARE]],
  [
    "a polyline that is not filled",
    `<polyline fill="none" points="1,2 3,4 5,2"/>`,
    [
      {
        type: "LineString",
        coordinates: [
          [1, 2],
          [3, 4],
          [5, 2],
        ],
      },
    ],
  ],
  [
    "a line",
    `<line x1="1" y1="2" x2="3" y2="4"/>`,
    [
      {
        type: "LineString",
        coordinates: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
  ],
  ["absolute commands", `<path d="M10,20 L30,20 L30,40 L10,40 Z"/>`, [SQUARE]],
  ["relative commands", `<path d="m10 20 20 0 0 20-20 0z"/>`, [SQUARE]],
  ["H and V", `<path d="M10 20H30V40H10Z"/>`, [SQUARE]],
  ["h and v, in one number string", `<path d="M10 20h20v20h-2e1z"/>`, [SQUARE]],
  [
    "a second subpath from where the first one closed",
    `<path fill="none" d="M0 0h5v5z l-3 0"/>`,
    [
      {
        type: "MultiLineString",
        coordinates: [
          ring([0, 0], [5, 0], [5, 5]),
          [
            [0, 0],
            [-3, 0],
          ],
        ],
      },
    ],
  ],
  ["a path that closes and a style that says not to fill", `<path style="fill:none" d="M10 20h20v20h-20z"/>`, [SQUARE]],
  [
    "even-odd, a hole whatever its direction",
    `<path fill-rule="evenodd" d="M0 0h9v9h-9z M3 3h3v3h-3z"/>`,
    [polygon(ring([0, 0], [9, 0], [9, 9], [0, 9]), ring([3, 3], [6, 3], [6, 6], [3, 6]))],
  ],
  [
    "nonzero, a ring in the same direction is no hole",
    `<path d="M0 0h9v9h-9z M3 3h3v3h-3z"/>`,
    [polygon(ring([0, 0], [9, 0], [9, 9], [0, 9]))],
  ],
  [
    "nonzero, a ring in the other direction is a hole",
    `<path d="M0 0h9v9h-9z M3 3v3h3v-3z"/>`,
    [polygon(ring([0, 0], [9, 0], [9, 9], [0, 9]), ring([3, 3], [3, 6], [6, 6], [6, 3]))],
  ],
  [
    "an island in a hole, and one beside",
    `<path fill-rule="evenodd" d="M0 0h9v9h-9z M1 1h7v7h-7z M3 3h2v2h-2z M20 0h1v1h-1z"/>`,
    [
      {
        type: "MultiPolygon",
        coordinates: [
          [ring([0, 0], [9, 0], [9, 9], [0, 9]), ring([1, 1], [8, 1], [8, 8], [1, 8])],
          [ring([3, 3], [5, 3], [5, 5], [3, 5])],
          [ring([20, 0], [21, 0], [21, 1], [20, 1])],
        ],
      },
    ],
  ],
  ["translate", `<g transform="translate(10,20)">${AT_ORIGIN}</g>`, [SQUARE]],
  ["translate by one number, and another", `<g transform="translate(10) translate(0 20)">${AT_ORIGIN}</g>`, [SQUARE]],
  ["scale", `<path transform="scale(2)" d="M5 10h10v10h-10z"/>`, [SQUARE]],
  ["scale by two", `<path transform="scale(2,4)" d="M5 5h10v5h-10z"/>`, [SQUARE]],
  [
    "rotate",
    `<path transform="rotate(90)" d="M20 -10v-20h20v20z"/>`,
    [polygon(ring([10, 20], [30, 20], [30, 40], [10, 40]))],
  ],
  ["rotate about a point", `<path transform="rotate(180 20 30)" d="M30 40h-20v-20h20z"/>`, [SQUARE]],
  ["skewX", `<path transform="skewX(45)" d="M0 0h10v10h-10z"/>`, [polygon(ring([0, 0], [10, 0], [20, 10], [10, 10]))]],
  ["skewY", `<path transform="skewY(45)" d="M0 0h10v10h-10z"/>`, [polygon(ring([0, 0], [10, 10], [10, 20], [0, 10]))]],
  ["matrix", `<path transform="matrix(2 0 0 2 10 20)" d="M0 0h10v10h-10z"/>`, [SQUARE]],
  [
    "transforms within each other",
    `<g transform="translate(10 20)"><g transform="scale(2)"><path d="M0 0h10v10h-10z"/></g></g>`,
    [SQUARE],
  ],
  ["viewBox that moves", `<path d="M110 220h20v20h-20z"/>`, [SQUARE], `viewBox="100 200 50 50"`],
  ["viewBox that enlarges", `<path d="M5 10h10v10h-10z"/>`, [SQUARE], `viewBox="0 0 50 50" width="100" height="100"`],
  [
    "viewBox in the middle, which is the default",
    `<path d="M0 20h20v20h-20z"/>`,
    [SQUARE],
    `viewBox="0 0 50 50" width="70" height="50"`,
  ],
  [
    "xMinYMin",
    `<path d="M10 20h20v20h-20z"/>`,
    [SQUARE],
    `viewBox="0 0 50 50" width="70" height="50" preserveAspectRatio="xMinYMin"`,
  ],
  [
    "slice",
    `<path d="M10 25h20v20h-20z"/>`,
    [SQUARE],
    `viewBox="0 0 50 50" width="50" height="40" preserveAspectRatio="xMidYMid slice"`,
  ],
  [
    "none",
    `<path d="M5 20h10v20h-10z"/>`,
    [SQUARE],
    `viewBox="0 0 50 50" width="100" height="50" preserveAspectRatio="none"`,
  ],
  [
    "an svg in an svg",
    `<svg x="10" y="20" width="20" height="20" viewBox="0 0 1 1"><path d="M0 0h1v1h-1z"/></svg>`,
    [SQUARE],
  ],
  ["use", `<defs><path id="a" d="M0 0h20v20h-20z"/></defs><use href="#a" x="10" y="20"/>`, [SQUARE]],
  [
    "use by xlink:href, of what comes later",
    `<use xlink:href="#a" transform="translate(10,20)"/><defs><path id="a" d="M0 0h20v20h-20z"/></defs>`,
    [SQUARE],
  ],
  [
    "use of a use",
    `<defs><path id="a" d="M0 0h20v20h-20z"/><use id="b" href="#a" x="4"/></defs><use href="#b" x="6" y="20"/>`,
    [SQUARE],
  ],
  [
    "use of a symbol",
    `<symbol id="a" viewBox="0 0 2 2"><path d="M0 0h2v2h-2z"/></symbol><use href="#a" x="10" y="20" width="20" height="20"/>`,
    [SQUARE],
  ],
  [
    "what is used and has a place of its own",
    `<path id="a" d="M10 20h20v20h-20z"/><use href="#a" x="100"/>`,
    [SQUARE, polygon(ring([110, 20], [130, 20], [130, 40], [110, 40]))],
  ],
])("%s", (_, body, expected, attributes = "") => {
  it("is drawn where it belongs", () => {
    expect(drawn(body, attributes)).toEqual(expected);
  });
});

/** How far the points of a ring, and the middles between them, are from what `distance` reckons as zero on the true curve. */
function worst(
  body: string,
  distance: (x: number, y: number) => number,
  attributes = "",
): { worst: number; points: number } {
  const [{ coordinates } = { coordinates: [] as never[] }] = drawn(body, attributes);
  const points = coordinates[0] as unknown as [number, number][];
  const middles = points
    .slice(1)
    .map(([x, y], at) => [(x + (points[at]?.[0] ?? 0)) / 2, (y + (points[at]?.[1] ?? 0)) / 2] as const);
  return {
    worst: Math.max(...[...points, ...middles].map(([x, y]) => Math.abs(distance(x, y)))),
    points: points.length,
  };
}

describe("a curve is nowhere farther from its lines than the tolerance", () => {
  const from = (cx: number, cy: number, r: number) => (x: number, y: number) => Math.hypot(x - cx, y - cy) - r;
  it.each([
    ["a circle", `<circle cx="50" cy="50" r="40"/>`, from(50, 50, 40), ""],
    ["a large circle", `<circle cx="5000" cy="5000" r="4000"/>`, from(5_000, 5_000, 4_000), ""],
    ["arcs", `<path d="M90 50A40 40 0 0 1 10 50A40 40 0 0 1 90 50Z"/>`, from(50, 50, 40), ""],
    [
      "relative arcs with flags in one number",
      `<path d="M90 50a40 40 0 01-80 0a40 40 0 0180 0z"/>`,
      from(50, 50, 40),
      "",
    ],
    ["an arc whose radius is too small", `<path d="M90 50A1 1 0 0 1 10 50A1 1 0 0 1 90 50Z"/>`, from(50, 50, 40), ""],
    [
      "a turned ellipse in a scaled picture",
      `<ellipse cx="0" cy="0" rx="4" ry="2" transform="scale(10 20) translate(5 5)"/>`,
      from(50, 100, 40),
      "",
    ],
    [
      "a small circle in a large picture",
      `<circle cx="5" cy="5" r="4"/>`,
      from(5_000, 5_000, 4_000),
      `viewBox="0 0 10 10" width="10000" height="10000"`,
    ],
  ])("%s", (_, body, distance, attributes) => {
    const found = worst(body, distance, attributes);
    expect(found.worst).toBeLessThanOrEqual(TOLERANCE + 0.001);
    expect(found.points).toBeGreaterThan(8);
  });

  it("cubic and quadratic curves, and the smooth ones behind them", () => {
    // The parabola y = x²/100 from −100 to 100, raised from degree two.
    const parabola = (x: number, y: number): number => y - (x * x) / 100;
    for (const d of [
      "M-100 100Q0 -100 100 100Z",
      "M-100 100C-33.33333 -33.33333 33.33333 -33.33333 100 100Z",
      "M-100 100Q-50 0 0 0T100 100Z",
      "M-100 100C-66.666667 33.333333 -33.333333 0 0 0S66.666667 33.333333 100 100Z",
    ]) {
      const [{ coordinates } = { coordinates: [] as never[] }] = drawn(`<path d="${d}"/>`);
      const points = (coordinates[0] as unknown as [number, number][]).slice(0, -1);
      expect(points.length).toBeGreaterThan(8);
      for (const [x, y] of points) expect(Math.abs(parabola(x, y))).toBeLessThan(0.002);
    }
  });

  it("a rect with round corners, whose radius is half of it at most", () => {
    const [first] = drawn(`<rect x="10" y="10" width="80" height="80" rx="200"/>`);
    expect(worst(`<rect x="10" y="10" width="80" height="80" rx="200"/>`, from(50, 50, 40)).worst).toBeLessThan(
      TOLERANCE + 0.001,
    );
    expect(first?.type).toBe("Polygon");
  });
});

describe("the place of a label", () => {
  const place = (body: string): unknown => planOf(svg(body)).overlays[0]?.properties["label_position"];
  it("is the middle of what is compact", () => {
    expect(place(`<rect x="10" y="20" width="20" height="20"/>`)).toEqual([20, 30]);
  });
  it("lies in a shape whose middle does not", () => {
    // A U, 10 wide at its arms and its bottom.
    const [x, y] = place(`<path d="M0 0h10v80h40v-80h10v90h-60z"/>`) as [number, number];
    const inside = (x > 0 && x < 10 && y > 0) || (x > 50 && x < 60 && y > 0) || y > 80;
    expect([x, y, inside && x > 0 && x < 60 && y < 90]).toEqual([x, y, true]);
  });
  it("is not in a hole", () => {
    const [x, y] = place(`<path fill-rule="evenodd" d="M0 0h90v90h-90z M30 30h30v30h-30z"/>`) as [number, number];
    expect(x > 30 && x < 60 && y > 30 && y < 60).toBe(false);
  });
  it("is in the largest of several areas, and nowhere for a line", () => {
    expect(place(`<path d="M0 0h2v2h-2z M100 0h20v20h-20z"/>`)).toEqual([110, 10]);
    expect(place(`<line x2="5"/>`)).toBeUndefined();
  });
});

it("text that comes in pieces gives the same plan, wherever it is cut", () => {
  const text = svg(`<g id="قطع"><rect id="a&amp;b" x="1" width="2" height="3"/><text>é€😀</text></g>`);
  const whole = planOf(text);
  for (const pieces of [1, 2, 3, 7]) expect(planOf(text, {}, pieces)).toEqual(whole);
  expect(whole.overlays.map(({ ref }) => ref)).toEqual(
    ["a&b", expect.any(String) as string].slice(0, whole.overlays.length),
  );
  expect(geometryOf(whole.overlays[0]!).type).toBe("Polygon");
});
