import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

const TOTAL = 100_000;
/** As objects the overlays take about 250 MB: a process that kept them would die. */
const HEAP_MB = 96;

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

test("100,000 overlays go in with flat memory, all at one revision", { timeout: 180_000 }, async () => {
  const script = fileURLToPath(new URL("import-many.ts", import.meta.url));
  const args = [`--max-old-space-size=${HEAP_MB}`, script, db.url, String(TOTAL)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result = JSON.parse(stdout) as Record<string, number>;
  expect(result).toMatchObject({ overlays: TOTAL, visible: TOTAL, revision: 2 });
  // Measured: 227 MiB; a single overlay takes 125.
  expect(result["mebibytes"]).toBeLessThan(450);
});
