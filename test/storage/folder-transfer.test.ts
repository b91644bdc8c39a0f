import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PromisedObject, Stores, Transferred } from "../../src/storage/object-store.ts";
import { createStores } from "../../src/storage/stores.ts";

let folder: string;
let stores: Stores;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-transfer-"));
  stores = createStores({ folder, durable: false });
});
afterEach(() => rm(folder, { recursive: true }));

/** Puts random bytes into the private store, on their way to the public one. */
async function tile(number: number, size = 300): Promise<Transferred> {
  const bytes = randomBytes(size);
  const from = `draft/tiles/${number}`;
  await stores.private.put(from, bytes);
  return { from, to: { key: `town/tiles/${number % 3}/${number}`, size, sha256: sha256(bytes) } };
}
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const publicPath = ({ key }: PromisedObject): string => join(folder, "public", key);
const many = (count: number): Promise<Transferred[]> =>
  Promise.all(Array.from({ length: count }, (_, number) => tile(number)));
const leftovers = async (): Promise<string[]> => {
  const found = await readdir(join(folder, "public"), { recursive: true }).catch(() => []);
  return found.filter((name) => name.startsWith(".writing/"));
};

describe("copying many objects", () => {
  it("puts each under its key with its bytes; what is there is kept, and nothing is written for it", async () => {
    const objects = [...(await many(150)), await tile(200, 0), await tile(201, 3 << 20)];
    expect(new Set(await stores.transfer.copy(objects))).toEqual(new Set(["copied"]));
    for (const { to } of objects) {
      const found = await stores.public.get(to.key);
      expect(sha256(await buffer(found!.body))).toBe(to.sha256);
    }
    const { ino } = await stat(publicPath(objects[7]!.to));
    await truncate(publicPath(objects[8]!.to), 10);
    const again = await stores.transfer.copy(objects);
    expect(again.map((outcome, at) => (outcome === "kept" ? -1 : at)).filter((at) => at >= 0)).toEqual([8]);
    expect((await stat(publicPath(objects[7]!.to))).ino).toBe(ino);
    expect(await leftovers()).toEqual([]);
  });

  it("puts nothing but the promised bytes, and tells what is wrong with each source", async () => {
    const [whole, gone, short, other, folderInItsPlace, largeOther] = await Promise.all([
      ...[1, 2, 3, 4, 5].map((number) => tile(number)),
      tile(6, 3 << 20),
    ] as const);
    const source = ({ from }: Transferred = whole!): string => join(folder, "private", from);
    await rm(source(gone));
    await truncate(source(short), 20);
    await writeFile(source(other), randomBytes(300));
    await writeFile(source(largeOther), randomBytes(3 << 20));
    await rm(source(folderInItsPlace));
    await mkdir(source(folderInItsPlace));
    const objects = [whole!, gone!, short!, other!, folderInItsPlace!, largeOther!];
    expect(await stores.transfer.copy(objects)).toEqual([
      "copied",
      { kind: "absent" },
      { kind: "size", size: 20 },
      { kind: "digest" },
      { kind: "absent" },
      { kind: "digest" },
    ]);
    const found = await Promise.all(objects.map(({ to }) => stores.public.head(to.key)));
    expect(found.map((info) => info?.size ?? null)).toEqual([300, null, null, null, null, null]);
    expect(await leftovers()).toEqual([]);
  });

  it("names the file that the disk refuses, as a store that can be tried again", async () => {
    const objects = await many(3);
    // A file where the key's folder has to be.
    await stores.public.put("town/tiles", Buffer.from("in the way"));
    await expect(stores.transfer.copy(objects)).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("town/tiles"),
    });
    expect(await leftovers()).toEqual([]);
  });

  it("stops when it is aborted, and whoever goes on finds every object whole or absent", async () => {
    const objects = await many(600);
    const stop = new AbortController();
    const copying = stores.transfer.copy(objects, { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(copying).rejects.toThrow("enough");
    const { faults } = await stores.public.inspect(
      objects.map(({ to }) => to),
      { read: "bytes" },
    );
    expect(new Set(faults.map((fault) => fault?.kind ?? "whole")).has("digest")).toBe(false);
    await stores.transfer.copy(objects);
    const after = await stores.public.inspect(
      objects.map(({ to }) => to),
      { read: "bytes" },
    );
    expect(after.faults.every((fault) => fault === null)).toBe(true);
    expect(await leftovers()).toEqual([]);
  });

  it("can be flushed one by one and all at once", async () => {
    const objects = await many(5);
    await stores.transfer.copy(objects);
    const { transfer } = createStores({ folder });
    await transfer.flush(objects.map(({ to }) => to.key));
    await transfer.flush("all");
    await rm(publicPath(objects[0]!.to));
    await expect(transfer.flush([objects[0]!.to.key])).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

describe("inspecting many objects", () => {
  it("finds what is absent, short or changed; by sizes alone a changed one looks whole", async () => {
    const objects = await many(100);
    await stores.transfer.copy(objects);
    const promised = objects.map(({ to }) => to);
    await rm(publicPath(promised[1]!));
    await truncate(publicPath(promised[70]!), 299);
    await writeFile(publicPath(promised[99]!), randomBytes(300));
    const expected = promised.map((): unknown => null);
    expected[1] = { kind: "absent" };
    expected[70] = { kind: "size", size: 299 };
    expect((await stores.public.inspect(promised, { read: "sizes" })).faults).toEqual(expected);
    expected[99] = { kind: "digest" };
    expect((await stores.public.inspect(promised, { read: "bytes" })).faults).toEqual(expected);
  });

  it("gives the same seal as long as nobody writes, by whichever way it looks, and another one after any write", async () => {
    const objects = await many(100);
    await stores.transfer.copy(objects);
    const promised = objects.map(({ to }) => to);
    const { seal } = await stores.public.inspect(promised, { read: "bytes" });
    const now = async (): Promise<string> => (await stores.public.inspect(promised, { read: "sizes" })).seal;
    expect(await now()).toBe(seal);
    const path = publicPath(promised[50]!);
    const { atime, mtime } = await stat(path);
    // Same size, and the time of writing set back as `cp -p` and `touch` do: the time of change tells it.
    await writeFile(path, randomBytes(300));
    await utimes(path, atime, mtime);
    expect(await now()).not.toBe(seal);
  });
});
