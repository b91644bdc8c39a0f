import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { createCliRoom, type CliRoom } from "../cli/publishing-room.ts";
import { cutWithSharp, PUBLISHED } from "./cuts.ts";
import { makeForeignFolder } from "./foreign-folder.ts";
import { publishFolder } from "./publish-folder.ts";

let room: CliRoom;
let worker: RunningWorker;
let folder: string;

beforeAll(async () => {
  room = await createCliRoom();
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
});
afterEach(() => rm(folder, { recursive: true }));

describe("a pyramid by vips is imported and published with every byte", () => {
  it.each(PUBLISHED)("$name", async ({ name, width, height }) => {
    folder = await makeForeignFolder(name);
    const { tiles } = await publishFolder(room, name, folder);
    expect(tiles).toMatchObject({ width, height });
  });
});

describe("a pyramid by sharp is imported and published with every byte", () => {
  it.each([
    { width: 1, height: 5000, tile_size: 512, overlap: 2, format: "png" },
    { width: 5000, height: 1, tile_size: 256, overlap: 0, format: "webp" },
    { width: 510, height: 255, tile_size: 254, overlap: 1, format: "jpeg" },
  ] as const)("$width × $height as $format in tiles of $tile_size + $overlap", async (cut) => {
    folder = await makeForeignFolder();
    await cutWithSharp(cut, join(folder, "map.dz"));
    const { tiles } = await publishFolder(room, `sharp-${cut.format}`, folder);
    expect(tiles).toMatchObject(cut);
  });
});

it("what systems and tools leave in a folder is left out and told in one line, and the rest is published", async () => {
  folder = await makeForeignFolder("webp-small-tiles");
  const level = join(folder, "tiles_files", "6");
  for (const name of [".DS_Store", "Thumbs.db", "desktop.ini", "._tiles.dzi", "scan-properties.xml"])
    for (const place of [folder, join(folder, "tiles_files"), level]) await writeFile(join(place, name), "x");
  await writeFile(join(level, "._0_0.webp"), "x");
  await writeFile(join(level, "0_0 copy.webp"), "x");
  for (const name of ["empty", "tiles_files/empty", "tiles_files/7", "tiles_files/@eaDir/6"])
    await mkdir(join(folder, name), { recursive: true });
  await symlink("/no/such/file", join(level, "lost.webp"));
  const { told } = await publishFolder(room, "leftovers", folder);
  expect(told.match(/^Left out .*$/gm)).toEqual([
    expect.stringMatching(/^Left out 23 file\(s\) that are no part of a project folder: (\S+, ){4}\S+ and 18 more$/),
  ]);
});
