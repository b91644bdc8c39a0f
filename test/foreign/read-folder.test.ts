import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readProjectFolder, type ProjectFolder } from "../../src/cli/import/read-project-folder.ts";
import { REFUSED } from "./cuts.ts";
import { makeForeignFolder } from "./foreign-folder.ts";

let folder: string;
/** Where a case keeps its pyramid: names of the descriptor and of the folder of tiles. */
const place = (descriptor: string, tiles: string) => async (): Promise<void> => {
  await rename(join(folder, "tiles.dzi"), join(folder, descriptor));
  await rename(join(folder, "tiles_files"), join(folder, tiles));
};
const rewrite = (change: (text: string) => string) => async (): Promise<void> => {
  const path = join(folder, "tiles.dzi");
  await writeFile(path, change(await readFile(path, "utf8")));
};
/** Renames every tile. */
const renameTiles = async (extension: string): Promise<void> => {
  for (const { path } of (await read()).tiles) await rename(path, path.replace(/\w+$/, extension));
};
const read = (): Promise<ProjectFolder> => readProjectFolder(folder, new AbortController().signal);

afterEach(() => rm(folder, { recursive: true }));

describe("what vips cut as something else is refused with what to run instead", () => {
  it.each(REFUSED)("$name", async ({ name, says }) => {
    folder = await makeForeignFolder(name);
    await expect(read()).rejects.toMatchObject({ code: "folder_invalid", message: expect.stringMatching(says) });
  });
});

describe("pyramids as other tools write them", () => {
  beforeEach(async () => {
    folder = await makeForeignFolder("defaults");
  });

  it.each<[string, () => Promise<void>]>([
    [
      "under a name with blanks, signs and other scripts",
      place("Übersicht (2) – مخطط.dzi", "Übersicht (2) – مخطط_files"),
    ],
    ["with the extension in capitals", place("TOWN.DZI", "TOWN_files")],
    ["as Deep Zoom Composer names it", place("dzc_output.xml", "dzc_output_files")],
    ["of the namespace of 2009", rewrite((text) => text.replace("/2008", "/2009"))],
    [
      "with a byte order mark and the line ends of Windows",
      rewrite((text) => `\uFEFF${text.replaceAll("\n", "\r\n")}`),
    ],
    [
      "with names in small letters",
      rewrite((text) => text.replaceAll(/(Format|Overlap|TileSize)=/g, (name) => name.toLowerCase())),
    ],
    ["whose tiles are .jpg and the format jpeg", () => renameTiles("jpg")],
    ["whose tiles are .JPG and the format jpeg", () => renameTiles("JPG")],
    ["whose tiles are .jpeg and the format jpg", rewrite((text) => text.replace(`"jpeg"`, `"jpg"`))],
    ["whose tiles are .jpeg and the format JPG", rewrite((text) => text.replace(`"jpeg"`, `"JPG"`))],
  ])("%s", async (_, change) => {
    const before = await read();
    await change();
    const after = await read();
    const places = (tiles: ProjectFolder["tiles"]) =>
      tiles.map(({ key, size }) => `${key.replace(/\w+$/, "")} ${size}`).toSorted();
    expect(places(after.tiles)).toEqual(places(before.tiles));
    expect(after).toMatchObject({ skipped: [expect.stringMatching(/vips-properties\.xml$/)], superfluous: [] });
  });
});

describe("a folder with more or less than one pyramid", () => {
  beforeEach(async () => {
    folder = await makeForeignFolder("one-pixel");
  });
  const another = async (name: string): Promise<void> => {
    await cp(join(folder, "tiles.dzi"), join(folder, `${name}.dzi`));
    await cp(join(folder, "tiles_files"), join(folder, `${name}_files`), { recursive: true });
  };

  it("tiles.dzi counts where there are several, and the others are left out", async () => {
    await another("before");
    expect(await read()).toMatchObject({
      tiles: [{ path: join(folder, "tiles_files", "0", "0_0.jpeg") }],
      skipped: ["before.dzi", "before_files/", "tiles_files/vips-properties.xml"],
    });
  });

  it("two of other names are refused by their names", async () => {
    await place("b.dzi", "b_files")();
    await cp(join(folder, "b.dzi"), join(folder, "a.dzi"));
    await expect(read()).rejects.toThrow("it has 2 pyramids: a.dzi, b.dzi; leave one here, or name one tiles.dzi");
  });

  it("one in a folder of its own is told with its place", async () => {
    await mkdir(join(folder, "out"));
    await place("out/tiles.dzi", "out/tiles_files")();
    await expect(read()).rejects.toThrow("it is missing; out/tiles.dzi is one folder too deep: move it");
  });

  it("a descriptor without its tiles is told by the folder's name", async () => {
    await place("map.dzi", "other_files")();
    await expect(read()).rejects.toThrow(/map_files: it is missing; it holds the tiles/);
  });

  it("tiles of another format than the descriptor's are told by both", async () => {
    await rewrite((text) => text.replace(`"jpeg"`, `"webp"`))();
    await expect(read()).rejects.toThrow(`its tiles are .jpeg files, and the descriptor says Format="webp"`);
  });

  it("of two spellings of a tile the descriptor's counts", async () => {
    const tile = join(folder, "tiles_files", "0", "0_0.jpeg");
    for (const other of ["0_0.jpg", "0_0.JPEG"]) await cp(tile, join(folder, "tiles_files", "0", other));
    const { tiles, superfluous } = await read();
    expect(tiles).toMatchObject([{ path: tile }]);
    expect(superfluous.toSorted()).toEqual(["tiles_files/0/0_0.JPEG", "tiles_files/0/0_0.jpg"]);
  });
});
