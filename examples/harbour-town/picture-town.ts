/** Blocks, houses and trees, lit from the upper left. */
import { along, centre, distance, shrink, type Point, type Ring } from "./geometry.ts";
import { fill, ringPath, stroke } from "./svg.ts";
import type { Block, House, Tree } from "./town.ts";

/** Lit side, shaded side. */
const ROOFS = [
  ["#dc9370", "#c67a5a"],
  ["#e3a47f", "#cf8b68"],
  ["#cf8163", "#b86b50"],
  ["#d9a98c", "#c39275"],
  ["#a9b7bb", "#92a3a9"],
] as const;
const FLAT_ROOFS = [
  ["#f3ead8", "#e0d3ba"],
  ["#eadcc6", "#d8c7ac"],
  ["#e7d3c4", "#d5bdab"],
] as const;
const LEAVES = ["#7fa56a", "#8db078", "#6f985f", "#9abb83"] as const;

const choose = <T>(values: readonly T[], share: number): T => values[Math.floor(share * values.length)] as T;
const shifted = (ring: Ring, by: number): Ring => ring.map(([x, y]): Point => [x + by, y + by * 1.2]);

export function drawHouse(house: House): string {
  const shadow = [3, 6, 9].map((by) => fill(shifted(house.ring, by), "#5a4632", 'fill-opacity="0.1"'));
  const [a, b, c, d] = house.ring as [Point, Point, Point, Point];
  if (house.roof === "flat" || house.ring.length !== 4) {
    const [light, dark] = choose(FLAT_ROOFS, house.tint);
    const inner = shrink(house.ring, 6);
    return [...shadow, fill(house.ring, dark), inner.length > 2 ? fill(inner, light) : ""].join("");
  }
  const [light, dark] = choose(ROOFS, house.tint);
  const wide = distance(a, b) >= distance(b, c);
  // Seen from the ridge: its two ends lie on the short sides (gable) or away from them (hip).
  const [p, q, r, s] = wide ? [a, b, c, d] : [b, c, d, a];
  const inwards = house.roof === "hip" ? (0.5 * distance(q, r)) / distance(p, q) : 0;
  const [west, east] = [along(p, s, 0.5), along(q, r, 0.5)];
  const [start, end] = [along(west, east, inwards), along(west, east, 1 - inwards)];
  const upper = wide ? light : dark;
  const lower = wide ? dark : light;
  const ends =
    inwards > 0
      ? [fill([q, r, end], dark, 'fill-opacity="0.55"'), fill([s, p, start], light, 'fill-opacity="0.6"')]
      : [];
  return [
    ...shadow,
    fill(house.ring, dark),
    fill([p, q, end, start], upper),
    fill([start, end, r, s], lower),
    ...ends,
    stroke([start, end], "#fff", 1.6, 'stroke-opacity="0.45"'),
  ].join("");
}

function drawSchool(ring: Ring): string {
  const [middle, field] = [centre(ring), shrink(ring, 22)];
  const [a, b, c, d] = field as [Point, Point, Point, Point];
  const circle = `<circle cx="${middle[0].toFixed(1)}" cy="${middle[1].toFixed(1)}" r="22" fill="none" stroke="#f4f2df" stroke-width="3"/>`;
  const stripes = [0, 2, 4, 6].map((n) =>
    fill([along(a, b, n / 8), along(a, b, (n + 1) / 8), along(d, c, (n + 1) / 8), along(d, c, n / 8)], "#a9c587"),
  );
  const half = stroke([along(a, b, 0.5), along(d, c, 0.5)], "#f4f2df", 3);
  return [
    fill(ring, "#d5cfae"),
    fill(field, "#b4cd92"),
    ...stripes,
    `<path d="${ringPath(field)}" fill="none" stroke="#f4f2df" stroke-width="3"/>`,
    half,
    circle,
  ].join("");
}

function drawSquare(ring: Ring, angle: number): string {
  const [x, y] = centre(ring);
  const church = [
    `<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${angle})">`,
    `<path d="M-52 -10H70V46H-52ZM0 -34H40V70H0Z" fill="#5a4632" fill-opacity="0.2"/>`,
    `<path d="M-60 -26H60V0H-60Z" fill="#9fb1b5"/><path d="M-60 0H60V26H-60Z" fill="#84989f"/>`,
    `<path d="M-4 -50H14V50H-4Z" fill="#9fb1b5"/><path d="M14 -50H32V50H14Z" fill="#84989f"/>`,
    `<path d="M-86 -24H-46V24H-86Z" fill="#eadfca"/><path d="M-86 -24L-66 0L-46 -24Z" fill="#b9c6c8"/><path d="M-46 -24L-66 0L-46 24Z" fill="#7f939a"/>`,
    `<path d="M-46 24L-66 0L-86 24Z" fill="#8b9ea4"/><path d="M-86 -24L-66 0L-86 24Z" fill="#a7b7bb"/></g>`,
  ];
  return [
    fill(ring, "#f0e3cb", 'stroke="#e0cfb0" stroke-width="5"'),
    fill(shrink(ring, 12), "#f5ead6"),
    ...church,
  ].join("");
}

function drawGarden(ring: Ring): string {
  const [x, y] = centre(ring);
  const [a, b, c, d] = ring as [Point, Point, Point, Point];
  const paths = [
    [a, c],
    [b, d],
  ].map((line) => stroke(line, "#efe6cf", 11));
  const rings = [
    [34, "#efe6cf"],
    [23, "#dfe6c4"],
    [17, "#d8a39a"],
    [11, "#8cc6c6"],
  ] as const;
  return [
    fill(ring, "#bccf9a", 'stroke="#a9bd86" stroke-width="4"'),
    ...paths,
    ...rings.map(([r, colour]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" fill="${colour}"/>`),
  ].join("");
}

export function drawBlock({ ring, angle, kind }: Block): string {
  if (kind === "square") return drawSquare(ring, angle);
  if (kind === "garden") return drawGarden(ring);
  if (kind === "school") return drawSchool(ring);
  return fill(ring, "#ece5cc", 'stroke="#ddd2ba" stroke-width="3"');
}

export function drawTrees(trees: Tree[]): string {
  const circle = ([x, y]: Point, radius: number, colour: string, more = ""): string =>
    `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(1)}" fill="${colour}" ${more}/>`;
  const shadows = trees.map(({ at: [x, y], radius }) =>
    circle([x + radius * 0.35, y + radius * 0.45], radius, "#4c5a3a"),
  );
  const crowns = trees.map(
    ({ at: [x, y], radius, tint }) =>
      circle([x, y], radius, choose(LEAVES, tint)) +
      circle([x - radius * 0.25, y - radius * 0.28], radius * 0.55, "#fff", 'fill-opacity="0.16"'),
  );
  return `<g fill-opacity="0.22">${shadows.join("")}</g>${crowns.join("")}`;
}
