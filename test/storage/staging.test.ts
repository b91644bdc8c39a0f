import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLog } from "../../src/log.ts";
import { createStores, sweepStores } from "../../src/storage/stores.ts";

let folder: string;
const log = createLog("test", "silent");
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-staging-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;

/** A file that a killed process left, last written so many hours ago. */
async function leave(store: "private" | "public", name: string, hours: number): Promise<void> {
  const path = join(folder, store, ".writing", name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, "half");
  const then = new Date(Date.now() - hours * HOUR_MS);
  await utimes(path, then, then);
}

describe("the sweep at a start", () => {
  it("removes what was left half-written a day ago, and what is being written stays", async () => {
    const stores = createStores({ folder, durable: false });
    await stores.public.put("key", Buffer.from("whole"));
    await leave("private", "old", 25);
    await leave("public", "old", 25);
    await leave("public", "young", 23);
    await sweepStores({ folder, log });
    expect(await readdir(join(folder, "private/.writing"))).toEqual([]);
    expect(await readdir(join(folder, "public/.writing"))).toEqual(["young"]);
    expect(await stores.public.head("key")).toEqual({ key: "key", size: 5 });
  });

  it("does nothing in a folder that is not there, and stops nobody where it cannot sweep", async () => {
    await sweepStores({ folder: join(folder, "none"), log });
    await mkdir(join(folder, "private/.writing/a-folder/inside"), { recursive: true });
    await utimes(join(folder, "private/.writing/a-folder"), new Date(0), new Date(0));
    await leave("public", "old", 25);
    await sweepStores({ folder, log });
    expect(await readdir(join(folder, "public/.writing"))).toEqual([]);
  });
});
