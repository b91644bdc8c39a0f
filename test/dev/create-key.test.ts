import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findPrincipalByKey } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.close());

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL("../../src/dev/create-key.ts", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { env: { PLATEN_DATABASE_URL: db.url } });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code, stdout, stderr };
}

test("a key is printed alone, and works; a second run makes another for the same person", async () => {
  const wanted = ["--tenant", "harbour", "--name", "Ada", "--role", "operator"];
  const [first, second] = [await run(...wanted), await run(...wanted)];
  expect([first.code, second.code]).toEqual([0, 0]);
  expect(first.stdout).toMatch(/^pk_operator_[\w-]{43}\n$/);
  expect(second.stdout).not.toBe(first.stdout);
  const find = (key: string) => findPrincipalByKey(db.database.em.fork(), key.trim());
  const ada = await find(first.stdout);
  expect(ada).toMatchObject({ name: "Ada", role: "operator", tenant: "harbour" });
  expect(await find(second.stdout)).toEqual(ada);
});

test("what is wrong is told at once, and nothing is made", async () => {
  const { code, stdout, stderr } = await run("--tenant", "Not A Slug", "--role", "king");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(
    /--tenant must be lower-case .*--name is missing; --role must be one of viewer, operator, admin/,
  );
  expect(stderr).toContain("Usage: npm run create-key -- --tenant SLUG");
  expect((await run("--tenant", "x", "--nonsense")).stderr).toContain("Usage:");
});
