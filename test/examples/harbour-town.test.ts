import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { drawHarbourTown } from "../../examples/harbour-town/draw.ts";
import { createOverlays } from "../../examples/harbour-town/overlays.ts";
import { HEIGHT, WIDTH } from "../../examples/harbour-town/plan.ts";
import { createTown } from "../../examples/harbour-town/town.ts";
import { geometryProblem } from "../../src/geometry/geometry-problem.ts";
import { readProjectFolder } from "../../src/cli/import/read-project-folder.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-harbour-"));
  await drawHarbourTown(join(folder, "one"));
  await drawHarbourTown(join(folder, "two"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function files(path: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of (await readdir(path, { recursive: true })).toSorted()) {
    if ((await stat(join(path, name))).isDirectory()) continue;
    found.set(
      name,
      createHash("sha256")
        .update(await readFile(join(path, name)))
        .digest("hex"),
    );
  }
  return found;
}

it("is drawn with the same bytes twice", async () => {
  const [one, two] = [await files(join(folder, "one")), await files(join(folder, "two"))];
  expect(one.size).toBe(154);
  expect(two).toEqual(one);
});

it("is a whole project folder of 151 tiles and less than 3 MB", async () => {
  const read = await readProjectFolder(join(folder, "one"), new AbortController().signal);
  expect(read).toMatchObject({ tiles: { length: 151 }, skipped: [], project: { slug: "harbour-town" } });
  const bytes = read.tiles.reduce((sum, { size }) => sum + size, 0) + (await stat(read.overlays.path)).size;
  expect(bytes).toBeLessThan(3_000_000);
});

it("labels every overlay in two scripts, with a valid shape and a ref of its own, on a layer that exists, inside the picture", async () => {
  const { features } = createOverlays(createTown());
  const refs = features.map(({ properties }) => properties.ref);
  expect(new Set(refs).size).toBe(refs.length);
  const { project } = await readProjectFolder(join(folder, "one"), new AbortController().signal);
  const layers = new Set(project.layers.map(({ ref }) => ref));
  for (const { geometry, properties } of features) {
    expect(properties.label.en).toMatch(/^[\x20-\x7e]+$/);
    expect(properties.label.ar).toMatch(/[\u0600-\u06ff]/);
    expect(layers).toContain(properties.layer);
    expect(geometryProblem(geometry)).toBeNull();
    const numbers = [geometry.coordinates].flat(4) as number[];
    for (const [index, value] of numbers.entries()) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(index % 2 === 0 ? WIDTH : HEIGHT);
    }
  }
});
