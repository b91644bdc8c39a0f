import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { digestKey } from "../../src/storage/keys.ts";
import { createStores } from "../../src/storage/stores.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-intake-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const PREFIX = "harbour/town/cut/";
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

async function files(...texts: string[]): Promise<string[]> {
  return Promise.all(
    texts.map(async (text, at) => {
      const path = join(folder, `file-${at}`);
      await writeFile(path, text);
      return path;
    }),
  );
}

test("files become objects under their digests, equal ones the same, and are answered in their order", async () => {
  const { intake, private: store } = createStores({ folder });
  const taken = await intake.take(PREFIX, await files("one", "two", "one"));
  await intake.flush();
  expect(taken.map((file) => file.sha256)).toEqual([sha256("one"), sha256("two"), sha256("one")]);
  expect(taken.filter(({ put }) => put)).toHaveLength(2);
  const found = await store.get(digestKey(PREFIX, sha256("two")));
  expect(String(Buffer.concat(await found!.body.toArray()))).toBe("two");
});

test("what is there already counts as that, and is as young as if it were not", async () => {
  const { intake } = createStores({ folder });
  await intake.take(PREFIX, await files("one"));
  const path = join(folder, "private", digestKey(PREFIX, sha256("one")));
  await utimes(path, new Date(0), new Date(0));
  const [again] = await intake.take(PREFIX, await files("one"));
  expect(again).toEqual({ size: 3, sha256: sha256("one"), put: false });
  expect((await stat(path)).mtimeMs).toBeGreaterThan(0);
});

test("an object that is cut off is replaced by the whole one", async () => {
  const { intake } = createStores({ folder });
  await intake.take(PREFIX, await files("one"));
  const path = join(folder, "private", digestKey(PREFIX, sha256("one")));
  await writeFile(path, "o");
  expect(await intake.take(PREFIX, await files("one"))).toMatchObject([{ put: true }]);
  expect(await readFile(path, "utf8")).toBe("one");
});

test("an object that a power cut has torn, of the right length, is replaced by the whole one", async () => {
  const { intake } = createStores({ folder });
  await intake.take(PREFIX, await files("one"));
  const path = join(folder, "private", digestKey(PREFIX, sha256("one")));
  await writeFile(path, "\0\0\0");
  await intake.take(PREFIX, await files("one"));
  expect(await readFile(path, "utf8")).toBe("one");
});

test("an abort takes no more, and is told", async () => {
  const { intake } = createStores({ folder });
  const paths = await files("one");
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(intake.take(PREFIX, paths, { signal })).rejects.toThrow("enough");
  expect(await readdir(folder)).toEqual(["file-0"]);
});

test("a file that is not there is a store's failure, which is tried again", async () => {
  const { intake } = createStores({ folder });
  await expect(intake.take(PREFIX, [join(folder, "none")])).rejects.toMatchObject({ code: "store_unavailable" });
});
