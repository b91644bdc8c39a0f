import { readFile, mkdtemp, rm } from "node:fs/promises";
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

  it("never goes backwards under twelve writers that stall between reading and writing", async () => {
    const seen: number[] = [];
    let done = false;
    const watch = (async () => {
      while (!done) {
        seen.push((await store.readPointer("dev", "town"))?.epoch ?? 0);
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
    expect((await store.readPointer("dev", "town"))?.epoch).toBe(120);
    expect(await readFile(join(root, "dev/town/release.json"), "utf8")).toBe(document(120, "n120"));
  });
});
