/**
 * Draws the sample project "Harbour Town" into a project folder: `node examples/harbour-town/draw.ts [FOLDER]`.
 * The same bytes at every run: no clock, no fonts, one seed.
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { createOverlays, LAYERS } from "./overlays.ts";
import { drawTown } from "./picture.ts";
import { HEIGHT, WIDTH } from "./plan.ts";
import { createTown } from "./town.ts";

/** Where the sample is drawn unless a folder is named, relative to the working folder. */
export const HARBOUR_TOWN_FOLDER = ".platen/examples/harbour-town";

const PROJECT = {
  slug: "harbour-town",
  name: "Harbour Town",
  config: {
    title: { en: "Harbour Town", ar: "بلدة الميناء" },
    languages: ["en", "ar"],
    picture: { width: WIDTH, height: HEIGHT, metres_per_pixel: 0.25 },
    view: { centre: [1664, 960], zoom: 1 },
    theme: { background: "#24708a", accent: "#c8604a" },
  },
  layers: LAYERS,
};

/**
 * Writes the project folder (about 2 MB, 151 tiles, within seconds), replacing what was there. It is drawn beside `folder`
 * and moved there when it is complete, so a folder that exists is whole.
 */
export async function drawHarbourTown(folder: string = HARBOUR_TOWN_FOLDER): Promise<string> {
  const target = resolve(folder);
  const draft = `${target}.drawing-${process.pid}`;
  const town = createTown();
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  await sharp(Buffer.from(drawTown(town)))
    .flatten({ background: "#24708a" })
    .jpeg({ quality: 82, chromaSubsampling: "4:4:4" })
    .tile({ layout: "dz", size: 256, overlap: 1 })
    .toFile(join(draft, "tiles.dz"));
  await rm(join(draft, "tiles_files", "vips-properties.xml"), { force: true });
  await writeFile(join(draft, "overlays.geojson"), `${JSON.stringify(createOverlays(town))}\n`);
  await writeFile(join(draft, "project.json"), `${JSON.stringify(PROJECT, null, 2)}\n`);
  await rm(target, { recursive: true, force: true });
  await rename(draft, target);
  return target;
}

if (import.meta.main) {
  console.log(await drawHarbourTown(process.argv[2]));
}
