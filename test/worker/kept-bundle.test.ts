import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keptBundle } from "../../src/kept-bundle.ts";

describe("a kept bundle", () => {
  let scratch: string;
  let root: string;
  let folder: string;
  let builds: number;

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), "platen-bundles-"));
    root = join(scratch, "checkout");
    folder = join(scratch, "cache", "bundles");
    builds = 0;
    await write("export const one = 1;");
  });
  afterEach(() => rm(scratch, { recursive: true }));

  async function write(code: string, of = root): Promise<void> {
    await mkdir(join(of, "workflows"), { recursive: true });
    await writeFile(join(of, "workflows", "index.ts"), code);
  }

  /** What is got; builds say which of them it was. */
  async function get(place = { root, folder }): Promise<string> {
    const build = async () => ({ code: `build ${(builds += 1)}`, sourceMap: "" });
    return (await keptBundle("workflows", build, place)).code;
  }

  test("is built once for all who ask later", async () => {
    expect([await get(), await get(), await get()]).toEqual(["build 1", "build 1", "build 1"]);
  });

  test("is built anew for code that has changed, and found again for what it was before", async () => {
    await get();
    await write("export const one = 2;");
    expect(await get()).toBe("build 2");
    await write("export const one = 1;");
    expect(await get()).toBe("build 1");
  });

  test("is another for the same code in another folder: it names its files by their paths", async () => {
    await get();
    const other = join(scratch, "other");
    await write("export const one = 1;", other);
    expect(await get({ root: other, folder })).toBe("build 2");
  });

  test("that a full disk cut off is built and kept anew", async () => {
    await get();
    const [name = ""] = await readdir(folder);
    await writeFile(join(folder, name), '{"code":"bui');
    expect([await get(), await get()]).toEqual(["build 2", "build 2"]);
  });

  test("is whole for each of many who build it at the same time, and leaves nothing unfinished", async () => {
    const got = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(got.every((code) => /^build \d+$/.test(code))).toBe(true);
    expect(await readdir(folder)).toHaveLength(1);
  });

  test("is built each time where nothing can be kept", async () => {
    await writeFile(join(scratch, "cache"), "a file, not a folder");
    expect([await get(), await get()]).toEqual(["build 1", "build 2"]);
  });

  test("of code that nobody asks for any more goes after a day", async () => {
    await get();
    const [old = ""] = await readdir(folder);
    const before = new Date(Date.now() - 25 * 3_600_000);
    await utimes(join(folder, old), before, before);
    await write("export const one = 2;");
    await get();
    expect(await readdir(folder)).not.toContain(old);
  });

  test("tells what the bundler says of the code, and keeps nothing of it", async () => {
    const failing = keptBundle("workflows", () => Promise.reject(new Error("unexpected token")), { root, folder });
    await expect(failing).rejects.toThrow("unexpected token");
    expect(await get()).toBe("build 1");
  });
});
