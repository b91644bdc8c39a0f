/** Keys that are taken away at the command line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { query } from "../../src/db.ts";
import { createKey } from "../../src/dev/create-key.ts";
import type { Role } from "../../src/tenants/principal.ts";
import { findPrincipalByKey } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.close());

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL("../../src/dev/revoke-key.ts", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { env: { PLATEN_DATABASE_URL: db.url } });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code, stdout, stderr };
}

const make = (tenant: string, name: string, role: Role = "admin"): Promise<string> =>
  createKey(db.url, { tenant, name, role });
const works = async (key: string): Promise<boolean> => (await findPrincipalByKey(db.database.em.fork(), key)) !== null;
const trail = () =>
  query<{ resource_id: string }>(
    db.database.em.fork(),
    `
    select e.source, e.resource_id, e.details, o.outcome from audit_events e join audit_outcomes o on o.event_id = e.id
    where e.action = 'key.revoke' order by e.at, e.id
    `,
  );

test("a key that leaked works no more, the other keys do, and the trail has it without the key", async () => {
  const [leaked, other] = [await make("harbour", "Ada"), await make("harbour", "Ada")];
  const { code, stdout } = await run("--tenant", "harbour", "--key", leaked);
  expect({ code, stdout }).toEqual({
    ...{ code: 0, stdout: expect.stringMatching(/^Revoked the key \S{36} of Ada of harbour, role admin\.\n$/) },
  });
  expect([await works(leaked), await works(other)]).toEqual([false, true]);
  const [event, ...more] = await trail();
  expect(more).toEqual([]);
  const details = { name: "Ada", role: "admin" };
  expect(event).toMatchObject({ source: "cli", outcome: "succeeded", details });
  expect(stdout).toContain(event?.resource_id);
  expect(JSON.stringify(await query(db.database.em.fork(), `select * from audit_events`))).not.toContain(leaked);
});

test("all keys of who leaves, and one by its id", async () => {
  const hers = [await make("quay", "Grace", "viewer"), await make("quay", "Grace", "operator")];
  const his = await make("quay", "Alan");
  const foreign = await make("abroad", "Grace");
  const { stdout } = await run("--tenant", "quay", "--name", "Grace");
  expect(stdout.trimEnd().split("\n")).toHaveLength(2);
  expect(await Promise.all([...hers, his, foreign].map(works))).toEqual([false, false, true, true]);
  const [made] = await query<{ id: string }>(
    db.database.em.fork(),
    `select resource_id as id from audit_events where action = 'key.create' and details ->> 'name' = 'Alan'`,
  );
  expect((await run("--tenant", "abroad", "--id", made!.id)).code, "another tenant's").toBe(1);
  expect(await works(his)).toBe(true);
  expect((await run("--tenant", "quay", "--id", made!.id)).code).toBe(0);
  expect(await works(his)).toBe(false);
});

test("what is wrong is told, and nothing is revoked", async () => {
  const key = await make("pier", "Ada");
  const before = await trail();
  for (const [args, says] of [
    [["--key", key], /--tenant is missing/],
    [["--tenant", "pier"], /--key or --id or --name must be given/],
    [["--tenant", "pier", "--key", key, "--name", "Ada"], /only one of them/],
    [["--tenant", "pier", "--id", "7"], /--id must be a UUID/],
    [["--tenant", "nowhere", "--key", key], /there is no tenant nowhere/],
    [["--tenant", "pier", "--name", "Nobody"], /no such key of pier works/],
  ] as const) {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(says)]);
    expect(stderr).toContain("Usage: npm run revoke-key -- --tenant SLUG");
  }
  expect([await works(key), await trail()]).toEqual([true, before]);
});
