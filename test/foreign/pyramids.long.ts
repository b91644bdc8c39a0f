/** The whole matrix with the vips of this machine, every cut imported and published. Minutes; part of `npm run chaos`. */
import { execFileSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readProjectFolder } from "../../src/cli/import/read-project-folder.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { checkTile, inspectTile } from "../../src/tiles/inspect-tile.ts";
import { parseDescriptor } from "../../src/tiles/descriptor.ts";
import { createCliRoom, type CliRoom } from "../cli/publishing-room.ts";
import { cutWithVips, REFUSED, type Cut } from "./cuts.ts";
import { makeForeignFolder } from "./foreign-folder.ts";
import { publishFolder } from "./publish-folder.ts";

let room: CliRoom;
let worker: RunningWorker;
let folder: string;
const picture = join(tmpdir(), `platen-picture-${process.pid}.png`);

beforeAll(async () => {
  try {
    execFileSync("vips", ["--version"]);
  } catch (cause) {
    throw new Error("vips is missing; on Debian and Ubuntu: apt-get install libvips-tools", { cause });
  }
  room = await createCliRoom();
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
  await rm(picture, { force: true });
});
afterEach(() => rm(folder, { recursive: true }));

const SIZES = [254, 256, 512];
const OVERLAPS = [0, 1, 2];
const cut = (width: number, height: number, options: string, output = "tiles"): Cut => ({
  name: `cut-${width}-${height}${options.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}`
    .slice(0, 63)
    .replace(/-+$/, ""),
  width,
  height,
  output,
  options: options.split(" "),
});
const matrix = SIZES.flatMap((size) => OVERLAPS.map((overlap) => `--tile-size ${size} --overlap ${overlap}`));

describe("every cut of vips is what its descriptor calls for, is imported, and is published with every byte", () => {
  it.each([
    ...matrix.flatMap((options) =>
      [".jpg[Q=80]", ".jpeg", ".png", ".webp"].map((suffix) => cut(700, 515, `--suffix ${suffix} ${options}`)),
    ),
    ...matrix.flatMap((options) => [cut(1, 5000, options), cut(5000, 1, options)]),
    ...OVERLAPS.flatMap((overlap) => {
      const options = `--suffix .png --tile-size 256 --overlap ${overlap}`;
      return [cut(1, 1, options), cut(256, 257, options), cut(255, 513, options), cut(512, 258, options)];
    }),
    cut(300, 200, "--depth onepixel --centre"),
    cut(300, 200, "--angle d90"),
    cut(300, 200, "--suffix .png[palette,interlace] --tile-size 64"),
    cut(300, 200, "--suffix .webp[lossless] --no-strip", "Lageplan größer"),
    cut(300, 200, "--region-shrink nearest --background 255", "tiles.dzi"),
    cut(12, 9, "--tile-size 1 --overlap 0 --suffix .png"),
    cut(90, 70, "--tile-size 8 --overlap 4 --suffix .png"),
  ])("$name", async (each) => {
    folder = await makeForeignFolder();
    await cutWithVips(each, folder, picture);
    const { descriptorPath, tiles } = await readProjectFolder(folder, new AbortController().signal);
    const descriptor = parseDescriptor(await readFile(descriptorPath, "utf8"));
    for (const { key, path } of tiles) checkTile(descriptor, key, await inspectTile(key, await readFile(path)));
    await publishFolder(room, each.name, folder);
  });
});

describe("what vips cuts otherwise is refused with what to run instead", () => {
  it.each([
    ...REFUSED,
    { ...cut(300, 200, "--container zip", "town.zip"), says: /town\.zip is an archive: unpack it/ },
    {
      ...cut(300, 200, "--tile-size 64 --overlap 60"),
      says: /Overlap is "60"; it must be a whole number from 0 to 32/,
    },
  ])("$name", async (each) => {
    folder = await makeForeignFolder();
    await cutWithVips(each, folder, picture);
    const { code, stdout, stderr } = await room.platen(["import", folder, "--project", each.name]);
    expect(stderr).toMatch(each.says);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });
});
