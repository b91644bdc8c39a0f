/** A project folder as a real map makes it: the sample town enlarged and cut into tiles, and many plots. */
import { createWriteStream } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import sharp from "sharp";
import { drawTown } from "../../examples/harbour-town/picture.ts";
import { createTown } from "../../examples/harbour-town/town.ts";

/** Pixels of one town. Enlarged instead of repeated it would be blurred, and its tiles a quarter of what maps have. */
const TOWN = 2_048;

/** Cuts a square of towns, `side` pixels wide, into JPEG tiles of 256 pixels without overlap: `tiles.dzi` and `tiles_files/`. */
export async function cutTown(folder: string, side: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const town = await sharp(Buffer.from(drawTown(createTown())))
    .flatten({ background: "#24708a" })
    .resize(TOWN, TOWN, { fit: "cover" })
    .png()
    .toBuffer();
  const sea = { width: side, height: side, channels: 3, background: "#24708a" } as const;
  await sharp({ create: sea, limitInputPixels: false })
    .composite([{ input: town, tile: true }])
    .jpeg({ quality: 82 })
    .tile({ layout: "dz", size: 256, overlap: 0 })
    .toFile(join(folder, "tiles.dz"));
  await rm(join(folder, "tiles_files", "vips-properties.xml"), { force: true });
}

/** Writes project.json. */
export async function writeProject(folder: string): Promise<void> {
  const project = { name: "Big town", config: { title: { en: "Big town" } }, layers: [] };
  await writeFile(join(folder, "project.json"), JSON.stringify(project));
}

/** Writes overlays.geojson with `count` plots; `renamed`: the first one is called otherwise. */
export async function writePlots(folder: string, count: number, renamed = false): Promise<void> {
  const features = function* (): Generator<string> {
    yield `{"type":"FeatureCollection","features":[\n`;
    for (let at = 0; at < count; at += 1) {
      const name = renamed && at === 0 ? "The renamed plot" : `Plot ${at + 1}`;
      yield `${at > 0 ? ",\n" : ""}${JSON.stringify(plot(at, name))}`;
    }
    yield "\n]}\n";
  };
  await pipeline(Readable.from(features(), { objectMode: false }), createWriteStream(join(folder, "overlays.geojson")));
}

/** Four to twelve corners around a place of its own. */
function plot(at: number, name: string): Record<string, unknown> {
  const corners = 4 + (at % 9);
  const [x, y] = [(at % 250) * 60 + 30, Math.floor(at / 250) * 60 + 30];
  const ring = Array.from({ length: corners + 1 }, (_, corner) => {
    const turn = (2 * Math.PI * (corner % corners)) / corners;
    return [Number((x + 25 * Math.cos(turn)).toFixed(2)), Number((y + 20 * Math.sin(turn)).toFixed(2))];
  });
  return {
    type: "Feature",
    geometry: { type: "Polygon", coordinates: [ring] },
    properties: {
      ref: `plot-${at + 1}`,
      type: "plot",
      label: { en: name, ar: `قطعة ${at + 1}` },
      area_m2: 400 + ((at * 37) % 900),
      use: ["residential", "retail", "office", "park"][at % 4],
      district: `D${1 + Math.floor(at / 2_500)}`,
      phase: 1 + (at % 5),
    },
  };
}
