import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createFolderThreads } from "../../src/storage/folder-threads.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-threads-"));
});
afterEach(() => rm(folder, { recursive: true }));

const files = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ path: join(folder, `${at}`), size: 1, sha256: "" }));

it("threads that cannot start fail every call that waits for one, and are started again for the next call", async () => {
  const program = join(folder, "thread.ts");
  const threads = createFolderThreads(pathToFileURL(program));
  await writeFile(program, `throw new Error("no room for a thread")`);
  const calls = [
    threads.inspect(files(500), { read: "sizes" }),
    threads.copy(folder, []),
    threads.flush(folder, ["x"]),
  ];
  const told = await Promise.allSettled(calls);
  expect(told.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected"]);
  for (const call of [calls[0], calls[2]]) {
    const facts = { reason: expect.stringContaining("no room for a thread") as string };
    await expect(call).rejects.toMatchObject({ code: "store_unavailable", facts });
  }

  const real = new URL("../../src/storage/folder-thread.ts", import.meta.url).href;
  await writeFile(program, `export * from ${JSON.stringify(real)}`);
  const { faults } = await threads.inspect(files(500), { read: "bytes" });
  expect(faults).toEqual(Array.from({ length: 500 }, () => ({ kind: "absent" })));
});

it("a thread that dies fails its own call only", async () => {
  const program = join(folder, "thread.ts");
  const threads = createFolderThreads(pathToFileURL(program));
  const real = new URL("../../src/storage/folder-thread.ts", import.meta.url).href;
  await writeFile(program, `export * from ${JSON.stringify(real)}; export function copy() { process.exit(1) }`);
  const dying = threads.copy(folder, [{ from: "x", to: files(1)[0]! }]);
  const others = threads.inspect(files(500), { read: "sizes" });
  await expect(dying).rejects.toThrow(/exited/);
  expect((await others).faults).toHaveLength(500);
});
