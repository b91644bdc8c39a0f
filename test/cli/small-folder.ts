/** A project folder of a few tiles, whole unless a test spoils it. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";

/** Tiles of 600 × 400 pixels. */
export const SMALL_TILES = 17;

const PROJECT = {
  slug: "small-town",
  name: "Small Town",
  config: { title: { en: "Small Town", ar: "بلدة صغيرة" } },
  layers: [{ ref: "plots", label: { en: "Plots", ar: "القطع" } }],
};

const square = (x: number): number[][] => [
  [x, 0],
  [x + 50, 0],
  [x + 50, 50],
  [x, 50],
  [x, 0],
];

export const feature = (ref: string, x: number): Record<string, unknown> => ({
  type: "Feature",
  geometry: { type: "Polygon", coordinates: [square(x)] },
  properties: { ref, type: "plot", label: { en: ref, ar: "قطعة" }, layer: "plots" },
});

/** Made in a temporary folder, which is answered. */
export async function makeSmallFolder(width = 600, height = 400): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "platen-folder-"));
  await writeFile(join(folder, "project.json"), JSON.stringify(PROJECT, null, 2));
  const features = [feature("plot-1", 0), feature("plot-2", 100)];
  await writeFile(join(folder, "overlays.geojson"), JSON.stringify({ type: "FeatureCollection", features }));
  // A gradient, so that no two tiles are equal.
  const svg = `<svg width="${width}" height="${height}"><linearGradient id="g" y2="1"><stop stop-color="#24708a"/><stop offset="1" stop-color="#c8604a"/></linearGradient><rect width="${width}" height="${height}" fill="url(#g)"/></svg>`;
  await sharp(Buffer.from(svg)).png().tile({ layout: "dz", size: 256, overlap: 1 }).toFile(join(folder, "tiles.dz"));
  return folder;
}
