import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { query } from "../../src/db.ts";
import { scheduleMaintenance } from "../../src/jobs/schedules/nightly-maintenance.ts";
import { ensureTenant, findPrincipalByKey } from "../../src/tenants/tenant-store.ts";
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

test("a tenant begins with a schedule that tidies up at night, once", async () => {
  const em = () => db.database.em.fork();
  const schedules = () =>
    query<{ id: string; cron: string }>(
      em(),
      `
      select s.id, s.spec ->> 'cron' as cron, s.job_type, s.paused, s.applied_revision < s.revision as untold
      from schedules s join tenants t on t.id = s.tenant_id where t.slug = 'quay'
      `,
    );
  const wanted = ["--tenant", "quay", "--name", "Grace", "--role", "viewer"];
  await run(...wanted);
  const [made, ...others] = await schedules();
  expect(others).toEqual([]);
  expect(made).toMatchObject({ job_type: "maintenance", paused: false, untold: true });
  expect(made?.cron).toMatch(/^\d{1,2} [1-4] \* \* \*$/);
  await run(...wanted);
  expect(await schedules()).toEqual([made]);
  await query(em(), `delete from schedules where id = $1`, [made?.id]);
  await run(...wanted);
  expect(await schedules(), "deleted, it stays so").toEqual([]);
});

test("tenants of before get one by migration, but for who has a schedule of maintenance already", async () => {
  const nightly = { migrations: ["0017_tidy_up_nightly"] };
  const em = () => db.database.em.fork();
  const before = await ensureTenant(em(), { slug: "before", name: "Before" });
  const tidy = await ensureTenant(em(), { slug: "tidy", name: "Tidy" });
  await scheduleMaintenance(em(), tidy.id);
  await query(em(), `update schedules set name = 'their own' where tenant_id = $1`, [tidy.id]);
  await db.database.migrator.down(nightly);
  await db.database.migrator.up(nightly);
  const of = ({ id }: { id: string }) =>
    query<{ name: string; cron: string }>(
      em(),
      `
      select s.name, s.spec ->> 'cron' as cron, s.spec ->> 'time_zone' as zone, s.role, p.name as by, p.kind
      from schedules s join principals p on p.id = s.created_by where s.tenant_id = $1
      `,
      [id],
    );
  const [made, ...others] = await of(before);
  expect(others).toEqual([]);
  expect(made).toMatchObject({
    name: "nightly maintenance",
    zone: "UTC",
    role: "admin",
    by: "platen",
    kind: "service",
  });
  expect(made?.cron).toMatch(/^\d{1,2} [1-4] \* \* \*$/);
  expect((await of(tidy)).map(({ name }) => name)).toEqual(["their own"]);
});

test("no tenant's night begins within the hour after it was made", async () => {
  const { id } = await ensureTenant(db.database.em.fork(), { slug: "owls", name: "Owls" });
  for (let count = 0; count < 40; count += 1) {
    await scheduleMaintenance(db.database.em.fork(), id, new Date("2026-11-27T02:30:00Z"));
    const [row] = await query<{ cron: string }>(
      db.database.em.fork(),
      `delete from schedules where tenant_id = $1 returning spec ->> 'cron' as cron`,
      [id],
    );
    expect(row?.cron).toMatch(/^\d{1,2} [14] /);
  }
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
