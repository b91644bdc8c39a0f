import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFolderPointer } from "../../src/storage/folder-pointer.ts";
import type { PointerStore } from "../../src/storage/object-store.ts";

let root: string;
let store: PointerStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "platen-pointer-"));
  store = createFolderPointer({ root, durable: false });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const document = (epoch: number, nonce: string) =>
  JSON.stringify({ live: { environment: "dev", epoch, nonce }, config: {} });
const body = (epoch: number, nonce = `n${epoch}`) => Readable.from([document(epoch, nonce)], { objectMode: false });
const key = { environment: "dev", project: "town" };

async function project(epoch: number, stall: () => Promise<void>): Promise<void> {
  for (;;) {
    const expected = await store.readPointer("dev", "town");
    if (expected && expected.epoch >= epoch) return;
    await stall();
    if ((await store.putPointer({ ...key, epoch, body: body(epoch), expected })) === "written") return;
  }
}

describe("the pointer in a folder", () => {
  it("is null, then the highest epoch, with its nonce and document", async () => {
    expect(await store.readPointer("dev", "town")).toBeNull();
    await store.putPointer({ ...key, epoch: 1, body: body(1), expected: null });
    expect(await store.readPointer("dev", "town")).toMatchObject({ epoch: 1, nonce: "n1" });
    const found = await store.getPointer("dev", "town");
    expect(await text(found?.body as Readable)).toBe(document(1, "n1"));
    expect(await readFile(join(root, "dev/town/release.json"), "utf8")).toBe(document(1, "n1"));
  });

  it("refuses a writer that read an older state", async () => {
    const stale = await store.readPointer("dev", "town");
    await store.putPointer({ ...key, epoch: 1, body: body(1), expected: null });
    expect(await store.putPointer({ ...key, epoch: 2, body: body(2), expected: stale })).toBe("refused");
  });

  it("closes the body that it refuses", async () => {
    await store.putPointer({ ...key, epoch: 1, body: body(1), expected: null });
    const refused = body(2);
    expect(await store.putPointer({ ...key, epoch: 2, body: refused, expected: null })).toBe("refused");
    expect(refused.destroyed).toBe(true);
  });

  it("says store_unavailable, and not that it wrote, when its folder is a file", async () => {
    await mkdir(join(root, "dev"));
    await writeFile(join(root, "dev/town"), "");
    const put = store.putPointer({ ...key, epoch: 1, body: body(1), expected: null });
    await expect(put).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await readdir(join(root, ".writing"))).toEqual([]);
  });

  it("mends a copy that was cut off behind its header", async () => {
    const long = JSON.stringify({ live: { epoch: 1, nonce: "n1" }, filling: "x".repeat(20_000) });
    await store.putPointer({ ...key, epoch: 1, body: Readable.from([long], { objectMode: false }), expected: null });
    const copy = join(root, "dev/town/release.json");
    await truncate(copy, 5_000);
    await store.readPointer("dev", "town");
    expect(await readFile(copy, "utf8")).toBe(long);
  });

  it("leaves nothing behind when the copy cannot be put in its place, and serves the epoch", async () => {
    await mkdir(join(root, "dev/town/release.json"), { recursive: true });
    const put = store.putPointer({ ...key, epoch: 1, body: body(1), expected: null });
    await expect(put).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await readdir(join(root, ".writing"))).toEqual([]);
    const found = await store.getPointer("dev", "town");
    expect(await text(found?.body as Readable)).toBe(document(1, "n1"));
  });

  it("lists again when the file it found is pruned before it is opened", async () => {
    const path = (epoch: number) => join(root, "dev/town", `${String(epoch).padStart(12, "0")}.json`);
    await mkdir(join(root, "dev/town"), { recursive: true });
    let done = false;
    const prune = (async () => {
      // Keeps one: what the store itself would need ten publishes for happens here all the time.
      for (let epoch = 1; epoch <= 1_500; epoch++) {
        await writeFile(join(root, "next"), document(epoch, "n"));
        await rename(join(root, "next"), path(epoch));
        if (epoch > 1) await rm(path(epoch - 1));
      }
      done = true;
    })();
    const seen: number[] = [];
    while (!done) {
      const found = await store.getPointer("dev", "town");
      if (found) expect(JSON.parse(await text(found.body))).toMatchObject({ live: { epoch: found.state.epoch } });
      seen.push(found?.state.epoch ?? 0);
    }
    await prune;
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it("keeps the newest ten epochs, whatever a writer adds that wakes up late", async () => {
    for (let epoch = 1; epoch <= 12; epoch++) await project(epoch, turn);
    const kept = Array.from({ length: 10 }, (_, n) => `${String(n + 3).padStart(12, "0")}.json`);
    const folder = join(root, "dev/town");
    expect((await readdir(folder)).sort()).toEqual([...kept, "release.json"]);
    await writeFile(join(folder, "000000000001.json"), document(1, "late"));
    expect((await store.readPointer("dev", "town"))?.epoch).toBe(12);
    await project(13, turn);
    expect((await readdir(folder)).sort()).toEqual([...kept.slice(1), "000000000013.json", "release.json"]);
  });

  it("never goes backwards under twelve writers that stall between reading and writing", async () => {
    const seen: number[] = [];
    const served: number[] = [];
    let done = false;
    const watch = (async () => {
      while (!done) {
        seen.push((await store.readPointer("dev", "town"))?.epoch ?? 0);
        const found = await store.getPointer("dev", "town");
        if (found) served.push((JSON.parse(await text(found.body)) as { live: { epoch: number } }).live.epoch);
        await turn();
      }
    })();
    const stall = async () => {
      for (let n = Math.random() * 30; n > 0; n--) await turn();
    };
    await Promise.all(
      Array.from({ length: 12 }, (_, writer) =>
        (async () => {
          for (let epoch = 1 + writer; epoch <= 120; epoch += 12) await project(epoch, stall);
        })(),
      ),
    );
    done = true;
    await watch;
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(served).toEqual(served.toSorted((a, b) => a - b));
    expect((await store.readPointer("dev", "town"))?.epoch).toBe(120);
    expect((await readdir(join(root, "dev/town"))).length).toBeLessThanOrEqual(11);
    expect(await readFile(join(root, "dev/town/release.json"), "utf8")).toBe(document(120, "n120"));
  });
});
