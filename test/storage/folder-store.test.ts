import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileBody } from "../../src/storage/file-body.ts";
import { createFolderStore } from "../../src/storage/folder-store.ts";
import { createFolderThreads } from "../../src/storage/folder-threads.ts";
import { DigestMismatch, type ObjectStore } from "../../src/storage/object-store.ts";

let root: string;
let store: ObjectStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "platen-folder-"));
  store = createFolderStore({ root }, createFolderThreads());
});
afterEach(() => rm(root, { recursive: true, force: true }));

const files = () =>
  readdir(root, { recursive: true, withFileTypes: true }).then((all) => all.filter((one) => one.isFile()));

describe("a folder as object store", () => {
  it("gives back what was put, whole and in ranges, with size and SHA-256", async () => {
    const put = await store.put("a/b.json", Readable.from(["hel", "lo"], { objectMode: false }));
    expect(put).toEqual({
      key: "a/b.json",
      size: 5,
      sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    });
    expect(await store.head("a/b.json")).toEqual({ key: "a/b.json", size: 5 });
    expect(await text((await store.get("a/b.json"))?.body as Readable)).toBe("hello");
    expect(await text((await store.get("a/b.json", { start: 1, end: 3 }))?.body as Readable)).toBe("ell");
    expect(await store.get("a")).toBeNull();
    expect(await store.get("a/none")).toBeNull();
  });

  it("leaves the old object and no rest when a body fails half way", async () => {
    await store.put("key", Buffer.from("old"));
    const broken = Readable.from(
      (async function* () {
        yield "ne";
        throw new Error("client left");
      })(),
      { objectMode: false },
    );
    await expect(store.put("key", broken)).rejects.toThrow("client left");
    expect(await text((await store.get("key"))?.body as Readable)).toBe("old");
    expect((await files()).length).toBe(1);
  });

  it("stops a put when its signal aborts, and leaves no rest", async () => {
    const stop = new AbortController();
    const endless = Readable.from(
      (async function* () {
        for (let n = 0; ; n++) {
          if (n === 3) stop.abort(new Error("cancelled"));
          yield Buffer.alloc(1_000);
        }
      })(),
      { objectMode: false },
    );
    await expect(store.put("key", endless, { signal: stop.signal })).rejects.toThrow("cancelled");
    expect(await files()).toEqual([]);
  });

  it.each([{ sha256: "0".repeat(64) }, { size: 4 }])(
    "puts nothing in place when the bytes are not as told: %j",
    async (expected) => {
      await store.put("key", Buffer.from("old"));
      const refused = await store.put("key", Buffer.from("hello"), expected).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(DigestMismatch);
      expect(refused).toMatchObject({ expected, found: { key: "key", size: 5 } });
      expect(await text((await store.get("key"))?.body as Readable)).toBe("old");
      expect((await files()).length).toBe(1);
    },
  );

  it("puts what has the size and SHA-256 it should have", async () => {
    const { sha256, size } = await store.put("a", Buffer.from("hello"));
    expect(await store.put("b", Buffer.from("hello"), { sha256, size })).toEqual({ key: "b", sha256, size });
  });

  const pgError = Object.assign(new Error("column x does not exist"), { code: "42703" });
  it.each([
    ["a database", () => pgError],
    ["a disk", () => readFile(join(root, "none")).catch((error: unknown) => error)],
  ])("passes the error of a body on as it is, be it of %s", async (_, make) => {
    const error = await make();
    const body = Readable.from(
      (async function* () {
        yield "ne";
        throw error;
      })(),
      { objectMode: false },
    );
    expect(await store.put("key", body).catch((thrown: unknown) => thrown)).toBe(error);
  });

  it("passes the error of a call that is wrong on as it is: no retry mends it", async () => {
    const wrong = Readable.from([17]);
    await expect(store.put("key", wrong)).rejects.toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
    expect(await files()).toEqual([]);
  });

  it("says store_unavailable when a file cannot be read to its end", async () => {
    const folder = await open(root);
    const body = fileBody(folder, "key", { start: 0, end: 9 });
    await expect(text(body)).rejects.toMatchObject({ code: "store_unavailable", facts: { key: "key" } });
    expect(folder.fd).toBe(-1);
  });

  it.each([
    ["in a folder that is a file", "file/key"],
    ["under a wrong key", ".key"],
  ])("closes a body that it never read: %s", async (_, key) => {
    await writeFile(join(root, "file"), "");
    await store.put("source", Buffer.from("x"));
    const body = (await store.get("source"))?.body as Readable;
    await expect(store.put(key, body)).rejects.toThrow();
    expect(body.destroyed).toBe(true);
  });

  it("closes a body that it never read: nothing can be staged", async () => {
    await store.put("source", Buffer.from("x"));
    const body = (await store.get("source"))?.body as Readable;
    await rm(join(root, ".writing"), { recursive: true });
    await writeFile(join(root, ".writing"), "");
    await expect(store.put("key", body)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(body.destroyed).toBe(true);
  });

  it("makes its folders again when they are removed while it runs", async () => {
    await store.put("a/b/key", Buffer.from("x"));
    await rm(root, { recursive: true });
    expect(await store.put("a/b/key", Buffer.from("y"))).toMatchObject({ size: 1 });
  });

  it("lists by prefix and skips what it is writing", async () => {
    for (const key of ["p/1", "p/q/2", "r/3"]) await store.put(key, Buffer.from(key));
    const keys: string[] = [];
    for await (const { key } of store.list("p/")) keys.push(key);
    expect(keys.toSorted()).toEqual(["p/1", "p/q/2"]);
  });

  it.each(["", "/a", "a//b", "../a", "a/../b", "a\\b", "a/.hidden", `a/${"x".repeat(201)}`, "a\u0000b"])(
    "refuses the key %j",
    async (key) => {
      await expect(store.put(key, Buffer.from("x"))).rejects.toThrow("not a storage key");
    },
  );

  it("says store_unavailable when the folder is not usable", async () => {
    await writeFile(join(root, "file"), "in the way");
    await expect(store.put("file/key", Buffer.from("x"))).rejects.toMatchObject({
      code: "store_unavailable",
      facts: { key: "file/key" },
    });
  });
});
