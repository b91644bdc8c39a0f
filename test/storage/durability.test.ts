/** What is flushed to the disk, and when: seen at the file handles, since no test can cut the power. */
import { mkdir, mkdtemp, open, readlink, rm, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStores } from "../../src/storage/stores.ts";

let parent: string;
let synced: string[];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "platen-durable-"));
  synced = [];
  const file = await open(parent);
  const prototype = Object.getPrototypeOf(file) as FileHandle;
  await file.close();
  const { sync } = prototype;
  vi.spyOn(prototype, "sync").mockImplementation(async function (this: FileHandle) {
    synced.push(relative(parent, await readlink(`/proc/self/fd/${this.fd}`)).replace(/[0-9a-f-]{36}/, "*"));
    await sync.call(this);
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(parent, { recursive: true, force: true });
});

const pointer = (epoch: number) => ({
  environment: "dev",
  project: "town",
  epoch,
  body: Readable.from([JSON.stringify({ live: { epoch, nonce: "n" } })], { objectMode: false }),
});

describe.skipIf(process.platform !== "linux")("a store that survives a power cut", () => {
  it("flushes the object, its folder, and each new folder into the one above", async () => {
    const { private: store } = createStores({ folder: join(parent, "store") });
    await store.put("a/b/key", Buffer.from("x"));
    const [above, at] = [synced.indexOf("store/private"), synced.lastIndexOf("store/private/a/b")];
    expect(above).toBeGreaterThan(-1);
    expect(new Set(synced)).toEqual(
      new Set(["", "store", "store/private", "store/private/.writing/*", "store/private/a", "store/private/a/b"]),
    );
    expect(at).toBe(synced.length - 1);
  });

  it("flushes each folder above just once, and every object with its own folder", async () => {
    const { private: store } = createStores({ folder: join(parent, "store") });
    await store.put("a/b/1", Buffer.from("x"));
    synced = [];
    for (const key of ["a/b/2", "a/b/3"]) await store.put(key, Buffer.from("x"));
    const each = ["store/private/.writing/*", "store/private/a/b"];
    expect(synced).toEqual([...each, ...each]);
  });

  it("flushes folders that another made and was killed before it had", async () => {
    await mkdir(join(parent, "store/private/a/b"), { recursive: true });
    await createStores({ folder: join(parent, "store") }).private.put("a/b/key", Buffer.from("x"));
    expect(synced).toEqual(expect.arrayContaining(["store/private", "store/private/a"]));
  });

  it("flushes the pointer, then its copy, each before and after it gets its place", async () => {
    const { public: store } = createStores({ folder: join(parent, "store") });
    await store.putPointer({ ...pointer(1), expected: null });
    const expected = await store.readPointer("dev", "town");
    synced = [];
    expect(await store.putPointer({ ...pointer(2), expected })).toBe("written");
    const each = ["store/public/.writing/*", "store/public/dev/town"];
    expect(synced).toEqual([...each, ...each]);
  });

  it("flushes nothing where the folder is thrown away", async () => {
    const { public: store } = createStores({ folder: join(parent, "store"), durable: false });
    await store.put("a/key", Buffer.from("x"));
    await store.putPointer({ ...pointer(1), expected: null });
    await writeFile(join(parent, "store/public/dev/town/release.json"), "broken");
    await store.readPointer("dev", "town");
    expect(synced).toEqual([]);
  });
});
