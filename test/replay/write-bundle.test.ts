import { execFile } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeBundle } from "../../src/cli/replay/write-bundle.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-written-"));
});
afterEach(() => rm(folder, { recursive: true }));

const refused = { code: "bundle_not_written", exit: 1 };

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

it("writes all pieces in their order, over a file of before", async () => {
  const path = join(folder, "bundle.json");
  await writeFile(path, "much longer than what is written now");
  const large = "ö".repeat(3_000_000);
  await writeBundle(path, pieces("a", large, "b"));
  expect((await readFile(path, "utf8")) === `a${large}b`).toBe(true);
  expect(await readdir(folder)).toEqual(["bundle.json"]);
});

it("replaces neither a folder nor a link nor a pipe", async () => {
  await writeFile(join(folder, "aim"), "kept");
  await symlink(join(folder, "aim"), join(folder, "link"));
  await symlink(join(folder, "nothing"), join(folder, "dangling"));
  await mkdir(join(folder, "folder"));
  await promisify(execFile)("mkfifo", [join(folder, "pipe")]);
  const names = await readdir(folder);
  for (const name of ["link", "dangling", "folder", "pipe"]) {
    const before = await lstat(join(folder, name));
    await expect(writeBundle(join(folder, name), pieces("x"))).rejects.toMatchObject(refused);
    expect((await lstat(join(folder, name))).ino).toBe(before.ino);
  }
  expect(await readFile(join(folder, "aim"), "utf8")).toBe("kept");
  expect(await readdir(folder)).toEqual(names);
});

it("says so when the file cannot be opened or put in its place, and leaves nothing", async () => {
  await expect(writeBundle(join(folder, "none", "x"), pieces("x"))).rejects.toMatchObject(refused);
  const path = join(folder, "late");
  async function* late(): AsyncGenerator<string> {
    yield "x";
    await mkdir(path);
  }
  await expect(writeBundle(path, late())).rejects.toMatchObject(refused);
  expect(await readdir(folder)).toEqual(["late"]);
});

it("passes on what the pieces break off with", async () => {
  async function* broken(): AsyncGenerator<string> {
    yield "x";
    throw new Error("cut off");
  }
  await expect(writeBundle(join(folder, "x"), broken())).rejects.toThrow("cut off");
  expect(await readdir(folder)).toEqual([]);
});
