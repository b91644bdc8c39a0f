/** How `vips dzsave` is told to cut the pyramids that the tests import: those that publish, and those that are refused. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import type { Descriptor } from "../../src/tiles/dzi.ts";

export interface Cut {
  /** Of its folder in fixtures/. */
  name: string;
  /** Pixels of the picture. */
  width: number;
  height: number;
  /** The name that vips is given to write. */
  output: string;
  options: readonly string[];
}

/** What becomes a release. Between them: each format, overlap and size of tile, and names that are not ours. */
export const PUBLISHED: readonly Cut[] = [
  { name: "defaults", width: 300, height: 200, output: "tiles", options: [] },
  {
    name: "jpg-with-quality",
    width: 140,
    height: 520,
    output: "Plan d’ensemble 2",
    options: ["--suffix", ".jpg[Q=80]", "--tile-size", "256", "--overlap", "2"],
  },
  {
    name: "png-without-overlap",
    width: 600,
    height: 30,
    output: "tiles.dzi",
    options: ["--suffix", ".png", "--tile-size", "512", "--overlap", "0"],
  },
  {
    name: "webp-small-tiles",
    width: 50,
    height: 35,
    output: "tiles",
    options: ["--suffix", ".webp", "--tile-size", "16", "--overlap", "2", "--properties"],
  },
  { name: "suffix-in-capitals", width: 20, height: 30, output: "MAP", options: ["--suffix", ".PNG"] },
  { name: "one-pixel", width: 1, height: 1, output: "tiles", options: [] },
];

/** What is no whole Deep Zoom pyramid in a folder, and what its refusal says. */
export const REFUSED: readonly (Cut & { says: RegExp })[] = [
  {
    ...small("depth-onetile", ["--depth", "onetile"]),
    says: /tiles_files: it has the levels 0 to 2, .* 60 × 40 pixels has the levels 0 to 6: .*--depth onepixel/,
  },
  {
    ...small("depth-one", ["--depth", "one"]),
    says: /tiles_files: it has level 0 only, .* the levels 0 to 6: .*--depth onepixel/,
  },
  {
    ...small("skip-blanks", ["--skip-blanks", "0"]),
    says: /tiles_files: \d+ tile\(s\) are missing; the first: 5\/1_0\.jpg; .*without --skip-blanks/,
  },
  {
    ...small("layout-zoomify", ["--layout", "zoomify"]),
    says: /tiles\.dzi: it is missing; tiles\/ holds a Zoomify pyramid .*`vips dzsave IMAGE tiles --layout dz`/,
  },
  {
    ...small("layout-google", ["--layout", "google"]),
    says: /tiles\.dzi: it is missing; tiles\/ holds a Google or XYZ pyramid .*`vips dzsave IMAGE tiles --layout dz`/,
  },
  {
    ...small("layout-iiif", ["--layout", "iiif"]),
    says: /tiles\.dzi: it is missing; tiles\/ holds an IIIF pyramid .*`vips dzsave IMAGE tiles --layout dz`/,
  },
  {
    ...small("layout-iiif3", ["--layout", "iiif3"]),
    says: /tiles\.dzi: it is missing; tiles\/ holds an IIIF pyramid/,
  },
  {
    ...small("container-zip", ["--container", "zip"]),
    says: /tiles\.dzi: it is missing; tiles is an archive: unpack it with `unzip 'tiles' -d unpacked`/,
  },
  {
    ...small("container-szi", ["--container", "szi"]),
    output: "town.szi",
    says: /tiles\.dzi: it is missing; town\.szi is an archive: unpack it/,
  },
  {
    ...small("suffix-tif", []),
    options: ["--suffix", ".tif", "--tile-size", "32"],
    says: /tiles\.dzi: .*Format is "tif"; it must be one of jpg, jpeg, png, webp/,
  },
];

function small(name: string, options: readonly string[]): Cut {
  const common = ["--suffix", ".jpg", "--tile-size", "16", "--overlap", "1"];
  return { name, width: 60, height: 40, output: "tiles", options: [...common, ...options] };
}

/** Draws the picture of a cut and runs vips on it. `folder` is made. Rejects with what vips says. */
export async function cutWithVips(cut: Cut, folder: string, picture: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await sharp(drawing(cut)).removeAlpha().png().toFile(picture);
  await promisify(execFile)("vips", ["dzsave", picture, join(folder, cut.output), ...cut.options]);
}

/** Errors as sharp says them. */
export async function cutWithSharp(
  cut: Omit<Descriptor, "format"> & { format: "jpeg" | "png" | "webp" },
  output: string,
) {
  await sharp(drawing(cut))
    .removeAlpha()
    .toFormat(cut.format)
    .tile({ layout: "dz", size: cut.tile_size, overlap: cut.overlap })
    .toFile(output);
}

/** A slope to the lower right in the left half, and white: no two tiles of the slope are equal, and those of the white are blank. */
function drawing({ width, height }: { width: number; height: number }): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><linearGradient id="g" x2="1" y2="1">` +
      `<stop stop-color="#24708a"/><stop offset="1" stop-color="#c8604a"/></linearGradient><rect width="100%" height="100%" fill="#fff"/>` +
      `<rect width="50%" height="100%" fill="url(#g)"/></svg>`,
  );
}
