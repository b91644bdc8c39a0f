import { afterAll, beforeAll, expect, test } from "vitest";
import { query, type Db } from "../../src/db.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { dumpSchema } from "./dump-schema.ts";

const SCHEMA = "../schema.sql";
let target: TestDatabase;
let db: Db;

beforeAll(async () => {
  target = await createTestDatabase();
  db = target.database.em.fork();
});
afterAll(() => target.close());

const entityDiff = (): Promise<string> => target.database.schema.getUpdateSchemaSQL({ wrap: false });

test("test/schema.sql is what the migrations make (npm run schema writes it anew)", async () => {
  await expect(await dumpSchema(db)).toMatchFileSnapshot(SCHEMA);
});

test("the entities say the same as the migrations", async () => {
  expect(await entityDiff()).toBe("");
});

/** Each change and what undoes it. */
const changes = {
  "alter table jobs alter seq set default 7": "alter table jobs alter seq set default 0",
  "alter table jobs rename constraint jobs_tenant_id_fkey to other":
    "alter table jobs rename constraint other to jobs_tenant_id_fkey",
  "alter table leases add note text": "alter table leases drop note",
  "create table strays (id uuid primary key)": "drop table strays",
  "alter table jobs alter payload drop not null": "alter table jobs alter payload set not null",
};

test.each(Object.entries(changes))("both would notice: %s", async (change, back) => {
  const before = await dumpSchema(db);
  await query(db, change);
  expect(await dumpSchema(db)).not.toBe(before);
  expect(await entityDiff()).not.toBe("");
  await query(db, back);
  expect(await dumpSchema(db)).toBe(before);
});

/** MikroORM does not compare these: they are why there is a schema.sql beside the entities. */
const beneathTheEntities = {
  'alter table tiles alter key type text collate "default"': 'alter table tiles alter key type text collate "C"',
  "alter table tiles drop constraint tiles_pkey":
    "alter table tiles add constraint tiles_pkey primary key (version_id, key)",
  "create sequence strays": "drop sequence strays",
};

test.each(Object.entries(beneathTheEntities))("schema.sql would notice: %s", async (change, back) => {
  const before = await dumpSchema(db);
  await query(db, change);
  expect(await dumpSchema(db)).not.toBe(before);
  await query(db, back);
  expect(await dumpSchema(db)).toBe(before);
});

test("every migration goes down and up again, and leaves nothing behind", async () => {
  const { migrator } = target.database;
  const applied = (await migrator.getExecuted()).map((each) => each.name);
  expect(applied.length).toBeGreaterThan(0);
  for (const name of applied.toReversed()) {
    const after = await dumpSchema(db);
    await migrator.down();
    const before = await dumpSchema(db);
    await migrator.up({ to: name });
    expect(await dumpSchema(db), `${name} up again`).toBe(after);
    await migrator.down();
    expect(await dumpSchema(db), `${name} down again`).toBe(before);
  }
  expect((await dumpSchema(db)).trim()).toBe("");
  await migrator.up();
});
