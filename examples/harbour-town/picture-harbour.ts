/** Quay, pier, breakwater, lighthouse, boats, and what stands on the beach. */
import { along, beside, contains, distance, spaced, type Point } from "./geometry.ts";
import { stroke } from "./svg.ts";
import { BREAKWATER, CANAL, LIGHTHOUSE, PIER, PIER_HEAD, QUAY, SAND } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";

const BOAT_COLOURS = ["#ffffff", "#fbf3e4", "#e9f1f2", "#f2d7c4"] as const;

/** The paved edge of the harbour, drawn under everything that stands on it. */
export function drawQuay(): string {
  const edge = beside(QUAY, -14);
  return [stroke(edge, "#d6cab4", 30), stroke(edge, "#e8dec9", 24), stroke(beside(QUAY, -3), "#bfb196", 5)].join("");
}

/** A hull seen from above, `length` pixels, its bow towards `degrees`. */
function drawBoat(at: Point, degrees: number, length: number, random: Random, wake = false): string {
  const [l, w] = [length / 2, length * 0.17];
  const hull = `M${-l} ${-w}Q${l * 0.4} ${-w * 1.25} ${l} 0Q${l * 0.4} ${w * 1.25} ${-l} ${w}Q${-l * 1.1} 0 ${-l} ${-w}Z`;
  const trail = wake
    ? `<path d="M${l * 0.3} ${-w * 0.6}Q${-l} ${-w * 1.6} ${-l * 3} ${-w * 2.6}L${-l * 2.2} 0L${-l * 3} ${w * 2.6}Q${-l} ${w * 1.6} ${l * 0.3} ${w * 0.6}Z" fill="#fff" fill-opacity="0.24"/>`
    : "";
  return [
    `<g transform="translate(${at[0].toFixed(1)} ${at[1].toFixed(1)}) rotate(${degrees.toFixed(1)})">${trail}`,
    `<path d="${hull}" transform="translate(3 5)" fill="#17475a" fill-opacity="0.28"/>`,
    `<path d="${hull}" fill="${random.pick(BOAT_COLOURS)}"/>`,
    `<path d="M${-l * 0.6} ${-w * 0.55}H${l * 0.25}L${l * 0.45} 0L${l * 0.25} ${w * 0.55}H${-l * 0.6}Z" fill="${random.pick(["#c9a27c", "#7fa3ad", "#b98a68"])}"/></g>`,
  ].join("");
}

function drawJetty(line: [Point, Point], random: Random): string {
  const degrees = (Math.atan2(line[1][1] - line[0][1], line[1][0] - line[0][0]) * 180) / Math.PI;
  const berths = [-1, 1].flatMap((side) =>
    spaced(beside(line, side * 27), 27)
      .filter(() => random.chance(0.74))
      .map((at) => drawBoat(at, degrees + side * 90, random.between(30, 40), random)),
  );
  return [
    stroke(
      line.map(([x, y]): Point => [x + 4, y + 6]),
      "#17475a",
      9,
      'stroke-opacity="0.25"',
    ),
    stroke(line, "#c7ab85", 10),
    stroke(line, "#dcc5a2", 6),
    ...berths,
  ].join("");
}

function drawPier(): string {
  const deck = (line: Point[], width: number): string =>
    [
      stroke(
        line.map(([x, y]): Point => [x + 8, y + 12]),
        "#17475a",
        width,
        'stroke-opacity="0.22" style="stroke-linecap:butt"',
      ),
      stroke(line, "#b99468", width, 'style="stroke-linecap:butt"'),
      stroke(line, "#d8bd94", width - 6, 'style="stroke-linecap:butt"'),
      stroke(line, "#b99468", width - 8, 'style="stroke-linecap:butt" stroke-opacity="0.5" stroke-dasharray="1.6 8"'),
    ].join("");
  const [x, y] = along(PIER_HEAD[0] as Point, PIER_HEAD[1] as Point, 0.5);
  const pavilion = [
    `<g transform="translate(${x} ${y})"><circle cx="6" cy="9" r="27" fill="#5a4632" fill-opacity="0.25"/>`,
    `<circle r="27" fill="#cf8163"/><path d="M0 0L-27 0A27 27 0 0 1 0 -27ZM0 0L27 0A27 27 0 0 1 0 27Z" fill="#dc9370"/>`,
    `<circle r="6" fill="#f3ead8"/></g>`,
  ].join("");
  return deck(PIER, 34) + deck(PIER_HEAD, 64) + pavilion;
}

function drawBreakwater(random: Random): string {
  const stones = [-13, 0, 13].flatMap((by) =>
    spaced(beside(BREAKWATER, by), 12).map((at) => {
      const [x, y] = [at[0] + random.between(-4, 4), at[1] + random.between(-4, 4)];
      const colour = random.pick(["#b9b3a4", "#c9c3b3", "#a8a396", "#d3cdbe"]);
      return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${random.between(6, 11).toFixed(1)}" fill="${colour}"/>`;
    }),
  );
  const [x, y] = LIGHTHOUSE;
  return [
    stroke(
      BREAKWATER.map(([a, b]): Point => [a + 6, b + 10]),
      "#17475a",
      40,
      'stroke-opacity="0.25"',
    ),
    ...stones,
    stroke(BREAKWATER, "#e2dbca", 12),
    `<circle cx="${x}" cy="${y}" r="38" fill="#b9b3a4"/><circle cx="${x}" cy="${y}" r="32" fill="#e2dbca"/>`,
    `<path d="M${x} ${y}l54 66l30 -24z" fill="#17475a" fill-opacity="0.18"/>`,
    `<circle cx="${x}" cy="${y}" r="19" fill="#fffaf0"/><circle cx="${x}" cy="${y}" r="14" fill="#c8604a"/><circle cx="${x}" cy="${y}" r="8" fill="#fffaf0"/><circle cx="${x}" cy="${y}" r="4" fill="#f0c54f"/>`,
  ].join("");
}

function drawBeach(random: Random): string {
  const shore = SAND.slice(0, -2);
  return [-34, -66]
    .flatMap((by) =>
      spaced(beside(shore, by), 42)
        .filter(([x]) => x > 30 && x < 670 && random.chance(0.62))
        .map(([x, y]) => {
          const [a, b] = [(x + random.between(-8, 8)).toFixed(1), (y + random.between(-6, 6)).toFixed(1)];
          const colour = random.pick(["#d9735c", "#5f9fae", "#e8b65a", "#f6f0e2"]);
          return [
            `<circle cx="${Number(a) + 4}" cy="${Number(b) + 6}" r="10" fill="#6b5836" fill-opacity="0.22"/><circle cx="${a}" cy="${b}" r="10" fill="${colour}"/>`,
            `<path d="M${a} ${b}h-10a10 10 0 0 1 10 -10zM${a} ${b}h10a10 10 0 0 1 -10 10z" fill="#fff" fill-opacity="0.55"/>`,
          ].join("");
        }),
    )
    .join("");
}

export function drawHarbour(): string {
  const random = createRandom(42);
  const jetties: [Point, Point][] = [
    [
      [1694, 1002],
      [1720, 1210],
    ],
    [
      [2070, 948],
      [2098, 1160],
    ],
    [
      [2200, 930],
      [2228, 1140],
    ],
  ];
  const sailing: [Point, number, number][] = [
    [[1880, 1330], -72, 62],
    [[1530, 1640], -22, 54],
    [[620, 1790], 12, 58],
    [[2560, 1850], 196, 74],
    [[3080, 1640], 150, 50],
    [[980, 1610], -8, 44],
  ];
  const moored = spaced(
    [
      [840, 1450],
      [1110, 1420],
    ],
    66,
  ).map((at) => drawBoat(at, -6, 50, random));
  const fishing = spaced(
    [
      [1330, 1400],
      [1540, 1377],
    ],
    74,
  ).map((at) => drawBoat(at, 174, 56, random));
  const bollards = spaced(beside(QUAY, -8), 40)
    .filter((at) => !contains(CANAL, at))
    .map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.6" fill="#7d715c"/>`);
  const bridges: [Point, Point][] = [
    [
      [1716, 594.5],
      [1982, 569],
    ],
    [
      [1738, 906.5],
      [2020, 868.5],
    ],
  ];
  const bridge = (line: [Point, Point]): string =>
    [36, -36]
      .map((wide) => {
        const rail = beside(line, wide * 0.62).map((point, index, both) =>
          along(point, both[1 - index] as Point, 52 / distance(line[0], line[1])),
        );
        return stroke(rail, "#b8aa8d", 5);
      })
      .join("");
  return [
    ...bollards,
    ...bridges.map(bridge),
    drawBreakwater(random),
    drawPier(),
    ...jetties.map((line) => drawJetty(line, random)),
    ...moored,
    ...fishing,
    ...sailing.map(([at, degrees, length]) => drawBoat(at, degrees, length, random, true)),
    drawBeach(random),
  ].join("");
}
