import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

/** The short form; `release-many.ts` takes 200,000 as well, in the same memory. */
const TOTAL = 20_000;

let db: TestDatabase;
let folder: string;
beforeAll(async () => {
  db = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "platen-many-"));
});
afterAll(async () => {
  await db.close();
  await rm(folder, { recursive: true });
});

test(
  "many features of another tool are imported, checked and released in flat memory",
  { timeout: 120_000 },
  async () => {
    const script = fileURLToPath(new URL("release-many.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, db.url, String(TOTAL), folder]);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ overlays: TOTAL, open: TOTAL / 10 + 1 });
    expect(result.problems.map(({ code, path }: { code: string; path: string }) => [code, path])).toEqual([
      ["geometry_invalid", `/overlays/way~1${TOTAL - 1}/geometry`],
      ["tile_missing", "/tiles/0/0_0.png"],
    ]);
    // Measured: 414 MiB; 200,000 of them: 458.
    expect(result.mebibytes).toBeLessThan(600);
  },
);
