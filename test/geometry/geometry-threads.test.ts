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
