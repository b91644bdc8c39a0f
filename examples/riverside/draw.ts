/**
 * Draws what people bring: a picture of a quarter on a river, a plan of it as SVG, and a table of its plots with a few wrong rows.
 * `npm run riverside -- FOLDER` writes riverside.jpg, riverside.svg and riverside.csv, the same every time.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { createRandom } from "../harbour-town/random.ts";

const WIDTH = 3_072;
const HEIGHT = 2_048;
const RIVER =
  "M0 1180 C 500 1080 900 1290 1450 1190 S 2500 1040 3072 1160 L 3072 1400 C 2500 1290 2000 1450 1450 1420 S 500 1330 0 1430 Z";
const USES = ["residential", "retail", "office", "park"] as const;

interface Plot {
  ref: string;
  use: (typeof USES)[number];
  /** Pixels of the picture. */
  corners: [x: number, y: number][];
}

/** Rows of plots on both banks, each a little crooked. */
function plots(): Plot[] {
  const random = createRandom(7);
  const found: Plot[] = [];
  for (const [bank, top, rows] of [
    ["n", 120, 4],
    ["s", 1_500, 2],
  ] as const) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < 11; column++) {
        const [x, y] = [140 + column * 255, top + row * 250];
        const crooked = (value: number): number => Math.round(random.between(value - 12, value + 12));
        found.push({
          ref: `${bank}${row + 1}-${String(column + 1).padStart(2, "0")}`,
          use: random.pick(USES),
          corners: [
            [crooked(x), crooked(y)],
            [crooked(x + 200), crooked(y)],
            [crooked(x + 200), crooked(y + 190)],
            [crooked(x), crooked(y + 190)],
          ],
        });
      }
    }
  }
  return found;
}

const pathOf = ({ corners }: Plot): string => `M${corners.map((corner) => corner.join(" ")).join(" L ")} Z`;

const COLOURS = { residential: "#e8c9a0", retail: "#e09a86", office: "#a9b7cf", park: "#9cc48a" } as const;

function picture(all: readonly Plot[]): string {
  const drawn = all.map(
    (plot) => `<path d="${pathOf(plot)}" fill="${COLOURS[plot.use]}" stroke="#7d7468" stroke-width="4"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
    <rect width="100%" height="100%" fill="#d9dccf"/><path d="${RIVER}" fill="#7fb0d0"/>
    <path d="M1490 0 L 1520 2048" stroke="#f4f1e8" stroke-width="46"/>${drawn.join("")}</svg>`;
}

/** As a drawing program exports it: groups, transforms, a symbol used twice, and things that no map wants. */
function plan(all: readonly Plot[]): string {
  const bank = (name: string, label: string, letter: string): string => {
    const shapes = all
      .filter(({ ref }) => ref.startsWith(letter))
      .map(
        (plot) =>
          `    <path id="${plot.ref}" d="${pathOf(plot)}" data-use="${plot.use}"><title>Plot ${plot.ref.toUpperCase()}</title></path>`,
      );
    return `  <g id="${name}" inkscape:label="${label}">\n${shapes.join("\n")}\n  </g>`;
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" viewBox="0 0 ${WIDTH} ${HEIGHT}">
  <defs><symbol id="kiosk-shape"><circle cx="0" cy="0" r="28"/></symbol></defs>
${bank("north-bank", "North bank", "n")}
${bank("south-bank", "South bank", "s")}
  <g id="water" inkscape:label="Water"><path id="river" d="${RIVER}" data-label-ar="النهر"><title>The river</title></path></g>
  <g id="kiosks" inkscape:label="Kiosks">
    <use id="kiosk-1" href="#kiosk-shape" transform="translate(1380 1110)"/>
    <use id="kiosk-2" href="#kiosk-shape" transform="translate(1650 1460) scale(1.2)"/>
  </g>
  <image id="backdrop" href="https://example.com/backdrop.png" width="10" height="10"/>
</svg>
`;
}

/** Three of its rows are wrong: no such plot, an area that is none, a plot named twice. */
function table(all: readonly Plot[]): string {
  const rows = all.map(
    ({ ref, use }, index) => `${ref},Plot ${ref.toUpperCase()},قطعة ${index + 1},${use},${30_000 + index * 35}`,
  );
  return ["ref,label_en,label_ar,use,area", ...rows, "n9-99,Nowhere,,park,100", ",No ref,,park,1", `${rows[0]}`].join(
    "\r\n",
  );
}

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("Say where to: npm run riverside -- FOLDER");
  process.exit(1);
}
const all = plots();
await mkdir(folder, { recursive: true });
await sharp(Buffer.from(picture(all)))
  .jpeg({ quality: 90 })
  .toFile(join(folder, "riverside.jpg"));
await writeFile(join(folder, "riverside.svg"), plan(all));
await writeFile(join(folder, "riverside.csv"), table(all));
console.log(
  `${folder}: riverside.jpg (${WIDTH} × ${HEIGHT}), riverside.svg and riverside.csv, with ${all.length} plots`,
);
