import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pointerDocument, releaseDocument } from "../../src/releases/release-document.ts";
import { releaseKey } from "../../src/storage/keys.ts";
import type { ObjectStore, Stores } from "../../src/storage/object-store.ts";
import { createStores } from "../../src/storage/stores.ts";

let folder: string;
let stores: Stores;
/** Every body that the stores handed out. */
let opened: Readable[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-document-"));
  opened = [];
  const watched = <S extends ObjectStore>(store: S): S => ({
    ...store,
    async get(...args: Parameters<ObjectStore["get"]>) {
      const found = await store.get(...args);
      if (found) opened.push(found.body);
      return found;
    },
  });
  const real = createStores({ folder, durable: false });
  stores = { ...real, private: watched(real.private), public: watched(real.public) };
  await stores.private.put("content", Buffer.from(`{"config":{}}`));
});
afterEach(() => rm(folder, { recursive: true }));

const header = { release_id: "rel_1", project: "town", version: 1, published_at: "2026-11-23T05:00:00Z", digest: "d" };
const live = { ...header, environment: "dev", epoch: 3, nonce: "n" };

describe("a release document", () => {
  it("is its header and the content, and a pointer's differs in nothing but `live`", async () => {
    const released = await text(await releaseDocument(stores, header, "content"));
    expect(JSON.parse(released)).toEqual({ ...header, config: {} });
    await stores.public.put(releaseKey("town", "rel_1"), Buffer.from(released));
    const pointer = await text(await pointerDocument(stores, live));
    expect(JSON.parse(pointer)).toEqual({ ...header, live: { environment: "dev", epoch: 3, nonce: "n" }, config: {} });
  });

  it("keeps no file open when it is destroyed without having been read", async () => {
    const documents = await Promise.all(Array.from({ length: 20 }, () => releaseDocument(stores, header, "content")));
    expect(opened).toHaveLength(20);
    const closed = opened.map((body) => new Promise((resolve) => body.once("close", resolve)));
    for (const document of documents) document.destroy();
    await Promise.all(closed);
  });

  it("keeps no file open when the pointer refuses it", async () => {
    await stores.public.put(releaseKey("town", "rel_1"), await releaseDocument(stores, header, "content"));
    const put = async () =>
      stores.public.putPointer({ ...live, body: await pointerDocument(stores, live), expected: null });
    expect([await put(), await put()]).toEqual(["written", "refused"]);
    await Promise.all(
      opened.filter((body) => !body.closed).map((body) => new Promise((resolve) => body.once("close", resolve))),
    );
  });
});
