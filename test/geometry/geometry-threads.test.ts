import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createGeometryThreads } from "../../src/geometry/geometry-threads.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-geometry-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("threads that cannot start fail the check, which can be tried again, and are started again for the next one", async () => {
  const program = join(folder, "thread.ts");
  const threads = createGeometryThreads({ program: pathToFileURL(program) });
  const point = JSON.stringify({ type: "Point", coordinates: [1, 2] });
  await writeFile(program, `throw new Error("no room for a thread")`);
  await expect(threads.problems([point])).rejects.toMatchObject({
    code: "unavailable",
    facts: { reason: "no room for a thread" },
  });
  const real = new URL("../../src/geometry/geometry-thread.ts", import.meta.url).href;
  await writeFile(program, `export { default } from ${JSON.stringify(real)}`);
  expect(await threads.problems([point])).toEqual([null]);
});

/** Poison by name; everything else is valid. */
const POISONED = `
  export default ({ geometries, begun }) => {
    Atomics.store(begun, 0, 1);
    return geometries.map((text) => {
      if (text === "endless") for (;;);
      if (text === "greedy") for (const all = []; ; ) all.push(new Array(100_000).fill({}));
      if (text === "throws") throw new Error("it throws");
      return null;
    });
  };`;

it.each(["endless", "greedy", "throws"])(
  "a geometry that is %s fails alone: what others ask for meanwhile is answered, and so is what comes after it",
  async (poison) => {
    const program = join(folder, "poisoned.ts");
    await writeFile(program, POISONED);
    const threads = createGeometryThreads({ program: pathToFileURL(program), limitMs: 1_000, maxHeapMb: 64 });
    const told = threads.problems(["fine", poison, "fine"]);
    const others = Array.from({ length: 10 }, () => threads.problems(["fine", "fine"]));
    if (poison === "throws") await expect(told).rejects.toThrow("it throws");
    else expect(await told).toEqual([null, undefined, null]);
    for (const each of others) expect(await each).toEqual([null, null]);
    expect(await threads.problems(["fine"])).toEqual([null]);
  },
);

it("a hundred geometries that never end hold a thread for as long as three of them", async () => {
  const program = join(folder, "poisoned.ts");
  await writeFile(program, POISONED);
  const threads = createGeometryThreads({ program: pathToFileURL(program), limitMs: 300 });
  const answers = await threads.problems(["fine", ...Array.from({ length: 100 }, () => "endless")]);
  expect(answers).toEqual([null, undefined, undefined, undefined]);
});
