/** The sea: deeper away from the land, with soft waves. */
import { beside, contains, type Point } from "./geometry.ts";
import { stroke } from "./svg.ts";
import { COAST, HEIGHT, LAND, SHORES, WIDTH } from "./plan.ts";
import { createRandom } from "./random.ts";

type Colour = readonly [red: number, green: number, blue: number];

/** Pixels from the land, colour there. */
const DEPTHS: readonly (readonly [number, Colour])[] = [
  [0, [184, 224, 216]],
  [26, [158, 212, 206]],
  [70, [124, 194, 197]],
  [150, [96, 175, 186]],
  [300, [66, 152, 170]],
  [500, [48, 131, 153]],
  [760, [36, 112, 138]],
];

/** Pixels between two shades: narrow enough that no step is seen, so that no (slow) blur is needed. */
const shadeStep = (away: number): number => (away > 90 ? 6 : 2);

function colourAt(away: number): string {
  const index = Math.max(
    1,
    DEPTHS.findIndex(([depth]) => depth >= away),
  );
  const [[from, near], [to, far]] = [DEPTHS[index - 1], DEPTHS[index]] as [(typeof DEPTHS)[0], (typeof DEPTHS)[0]];
  const mixed = near.map((value, channel) =>
    Math.round(value + (((far[channel] ?? 0) - value) * (away - from)) / (to - from)),
  );
  return `rgb(${mixed.join(",")})`;
}

function drawDepths(): string {
  // Beyond the picture's edges, else the shades would end round there.
  const coast: Point[] = [[-1000, 1640], ...COAST, [4400, 560]];
  const deepest = DEPTHS.at(-1)?.[0] ?? 0;
  const shades: string[] = [`<rect width="${WIDTH}" height="${HEIGHT}" fill="${colourAt(deepest)}"/>`];
  for (let away = deepest; away > 0; away -= shadeStep(away)) shades.push(stroke(coast, colourAt(away), away * 2));
  return shades.join("");
}

function drawWaves(): string {
  const random = createRandom(7);
  const waves: string[] = [];
  for (let y = 900; y < HEIGHT; y += 34) {
    for (let x = -20; x < WIDTH; x += 88) {
      const at: Point = [x + random.between(-34, 34), y + random.between(-13, 13)];
      const length = random.between(22, 52);
      const strength = random.between(0.1, 0.34).toFixed(2);
      if (contains(LAND, at) || random.chance(0.32)) continue;
      const half = (length / 2).toFixed(1);
      const crest = `M${at[0].toFixed(1)} ${at[1].toFixed(1)}q${(length / 4).toFixed(1)} -7 ${half} 0t${half} 0`;
      waves.push(`<path d="${crest}" stroke-opacity="${strength}"/>`);
    }
  }
  return `<g fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round">${waves.join("")}</g>`;
}

/** The sea under everything, with surf along the two natural shores. */
export function drawWater(): string {
  const surf = SHORES.flatMap((shore) =>
    [14, 32, 54].map((away, index) =>
      stroke(beside(shore, away), "#fff", 6 - index * 1.5, `stroke-opacity="${(0.6 - index * 0.2).toFixed(1)}"`),
    ),
  );
  return [drawDepths(), ...surf, drawWaves()].join("");
}
