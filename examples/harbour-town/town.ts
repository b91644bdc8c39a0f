/** What of the town is grown from the plan: blocks, plots, houses, streets and trees, always the same ones. */
import {
  area,
  beside,
  type Point,
  type Ring,
  centre,
  clip,
  closed,
  contains,
  distance,
  distanceToLine,
  rectangle,
  shrink,
  spaced,
  turner,
} from "./geometry.ts";
import { DISTRICTS, ROADS, type District } from "./districts.ts";
import { CANAL, GARDEN, PARK, PARK_PATHS, POND, QUAY, SCHOOL, SQUARE } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";

export interface Block {
  ring: Ring;
  angle: number;
  kind: "plots" | "square" | "garden" | "school";
}

export interface Plot {
  /** `A-12`: the district and a number within it. */
  ref: string;
  ring: Ring;
  use: District["use"];
  /** A plot without a house is a garden or waits to be built on. */
  built: boolean;
}

export interface House {
  ring: Ring;
  roof: "gable" | "hip" | "flat";
  /** 0 to 1, for the choice of colours. */
  tint: number;
}

export interface Tree {
  at: Point;
  radius: number;
  tint: number;
}

export interface Street {
  line: [Point, Point];
  width: number;
}

export interface Town {
  blocks: Block[];
  plots: Plot[];
  houses: House[];
  streets: Street[];
  trees: Tree[];
}

/** Half of a main road with its pavement: how far blocks stay away from a district's sides. */
const MARGIN = 31;
const ROOF_SHAPES: Record<District["use"], [House["roof"], ...House["roof"][]]> = {
  homes: ["gable", "gable", "hip"],
  mixed: ["gable", "gable", "hip"],
  villas: ["hip"],
  trade: ["gable", "flat", "flat"],
};
/** Square pixels; smaller remainders at a district's edge stay green. */
const SMALLEST_PLOT = 2_600;

/** The part of a→b inside a convex ring, or null. */
function clipLine(a: Point, b: Point, frame: Ring): [Point, Point] | null {
  const thin = clip([a, b, [b[0] + 0.01, b[1] + 0.01], [a[0] + 0.01, a[1] + 0.01]], frame);
  const ends = [...thin].sort((p, q) => distance(a, p) - distance(a, q));
  const [first, last] = [ends[0], ends.at(-1)];
  return first && last && distance(first, last) > 60 ? [first, last] : null;
}

function growHouse(plot: Ring, cell: Ring, use: District["use"], random: Random): House[] {
  const roof = random.pick(ROOF_SHAPES[use]);
  const tint = random.next();
  const [width, depth] = use === "villas" ? [0.5, 0.46] : use === "trade" ? [0.84, 0.78] : [0.68, 0.64];
  const [w, d] = [width * random.between(0.86, 1.1), depth * random.between(0.86, 1.1)];
  const [u, v] = [random.between(0.3, 0.7) * (1 - w), random.between(0.3, 0.7) * (1 - d)];
  const at = (x: number, y: number): Point => {
    const [a, b, , c] = cell as [Point, Point, Point, Point];
    return [a[0] + (b[0] - a[0]) * x + (c[0] - a[0]) * y, a[1] + (b[1] - a[1]) * x + (c[1] - a[1]) * y];
  };
  const ring: Ring = [at(u, v), at(u + w, v), at(u + w, v + d), at(u, v + d)];
  if (ring.every((corner) => contains(shrink(plot, 4), corner))) return [{ ring, roof, tint }];
  const odd = shrink(plot, 11);
  return odd.length >= 3 && area(odd) > 1_500 ? [{ ring: odd, roof: "flat", tint }] : [];
}

function growDistrict(district: District, random: Random): Omit<Town, "trees"> {
  const grown: Omit<Town, "trees"> = { blocks: [], plots: [], houses: [], streets: [] };
  const pivot = centre(district.ring);
  const turn = turner(pivot, district.angle);
  const straight = district.ring.map(turner(pivot, -district.angle));
  const [xs, ys] = [straight.map(([x]) => x), straight.map(([, y]) => y)];
  const [width, height] = district.block;
  const [stepX, stepY] = [width + district.street, height + district.street];
  const [left, right, top, bottom] = [
    Math.min(...xs) - stepX * 0.4,
    Math.max(...xs),
    Math.min(...ys) - stepY * 0.3,
    Math.max(...ys),
  ];
  for (let y = top; y < bottom; y += stepY) {
    const street = clipLine(
      turn([left - 400, y - district.street / 2]),
      turn([right + 400, y - district.street / 2]),
      district.ring,
    );
    if (street) grown.streets.push({ line: street, width: district.street });
    for (let x = left; x < right; x += stepX) {
      const ring = clip(rectangle(x, y, width, height).map(turn), district.ring, MARGIN);
      if (ring.length < 3 || area(ring) < 5_000) continue;
      const kind = contains(ring, SQUARE)
        ? "square"
        : contains(ring, GARDEN)
          ? "garden"
          : contains(ring, SCHOOL)
            ? "school"
            : "plots";
      grown.blocks.push({ ring, angle: district.angle, kind });
      if (kind !== "plots") continue;
      const [w, h] = [width / district.columns, height / 2];
      for (let cell = 0; cell < district.columns * 2; cell++) {
        const corner: Point = [x + (cell % district.columns) * w, y + Math.floor(cell / district.columns) * h];
        const whole = rectangle(corner[0], corner[1], w, h).map(turn);
        const plot = clip(whole, district.ring, MARGIN);
        if (plot.length < 3 || area(plot) < SMALLEST_PLOT) continue;
        const built = random.chance(0.93);
        grown.plots.push({ ref: `${district.ref}-${grown.plots.length + 1}`, ring: plot, use: district.use, built });
        if (built) grown.houses.push(...growHouse(plot, whole, district.use, random));
      }
    }
  }
  for (let x = left + stepX; x < right; x += stepX) {
    const street = clipLine(
      turn([x - district.street / 2, top - 400]),
      turn([x - district.street / 2, bottom + 400]),
      district.ring,
    );
    if (street) grown.streets.push({ line: street, width: district.street });
  }
  return grown;
}

function plantTrees(grown: Omit<Town, "trees">, random: Random): Tree[] {
  const trees: Tree[] = [];
  const plant = (at: Point, low: number, high: number): void => {
    const radius = random.between(low, high);
    if (trees.every((other) => distance(other.at, at) > (other.radius + radius) * 0.72)) {
      trees.push({ at, radius, tint: random.next() });
    }
  };
  const scatter = (ring: Ring, count: number, low: number, high: number, free: (at: Point) => boolean): void => {
    const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
    for (let index = 0; index < count; index++) {
      const at: Point = [
        random.between(Math.min(...xs), Math.max(...xs)),
        random.between(Math.min(...ys), Math.max(...ys)),
      ];
      if (contains(ring, at) && free(at)) plant(at, low, high);
    }
  };
  const dry = (at: Point): boolean => !contains(CANAL, at) && distanceToLine(closed(CANAL), at) > 16;
  for (const road of ROADS.filter(({ ref }) => !["headland-road", "sail-street"].includes(ref))) {
    for (const side of [-1, 1]) {
      for (const at of spaced(beside(road.line, side * (road.width / 2 + 9)), 46)) {
        const crossing = ROADS.some((other) => other !== road && distanceToLine(other.line, at) < other.width / 2 + 14);
        if (!crossing && dry(at) && random.chance(0.86)) plant(at, 8, 11);
      }
    }
  }
  for (const at of spaced(beside(QUAY, -30), 64)) if (dry(at) && random.chance(0.7)) plant(at, 8, 10);
  scatter(
    PARK,
    900,
    11,
    21,
    (at) =>
      PARK_PATHS.every((path) => distanceToLine(path, at) > 30) &&
      distanceToLine(closed(POND), at) > 26 &&
      !contains(POND, at),
  );
  for (const block of grown.blocks) {
    const middle = centre(block.ring);
    if (block.kind === "garden") scatter(shrink(block.ring, 16), 90, 9, 16, (at) => distance(at, middle) > 40);
    if (block.kind === "square") scatter(shrink(block.ring, 14), 40, 8, 10, (at) => distance(at, middle) > 78);
  }
  for (const plot of grown.plots) {
    const houses = grown.houses.filter((house) => contains(plot.ring, centre(house.ring)));
    const free = (at: Point): boolean =>
      houses.every((house) => !contains(house.ring, at) && distanceToLine(closed(house.ring), at) > 9);
    const count = plot.use === "villas" ? 34 : plot.use === "trade" ? 2 : 12;
    scatter(shrink(plot.ring, 7), plot.built ? count : count * 2, 6, plot.use === "villas" ? 15 : 10, free);
  }
  return trees;
}

/** Grows the town; the same at every call. */
export function createTown(): Town {
  const random = createRandom(20_261_123);
  const districts = DISTRICTS.map((district) => growDistrict(district, random));
  const grown = {
    blocks: districts.flatMap(({ blocks }) => blocks),
    plots: districts.flatMap(({ plots }) => plots),
    houses: districts.flatMap(({ houses }) => houses),
    streets: districts.flatMap(({ streets }) => streets),
  };
  return { ...grown, trees: plantTrees(grown, random) };
}
