import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query } from "../../src/db.ts";
import { SEARCH_ATTRIBUTES, SEARCH_ATTRIBUTE_TYPES } from "../../contract/messages.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { testTemporal, type TestTemporal } from "../support/temporal.ts";

describe("the servers of a test run", () => {
  let db: TestDatabase;
  let temporal: TestTemporal;

  beforeAll(async () => {
    db = await createTestDatabase();
    temporal = await testTemporal();
  });
  afterAll(async () => {
    await db.close();
    await temporal.close();
  });

  test("a test database is PostgreSQL 18 with every migration applied", async () => {
    const [row] = await query<{ version: string; jobs: string | null }>(
      db.database.em.fork(),
      "select current_setting('server_version_num') as version, to_regclass('jobs')::text as jobs",
    );
    expect(row?.version).toMatch(/^18/);
    expect(row?.jobs).toBe("jobs");
  });

  test("two databases of one run share nothing", async () => {
    const other = await createTestDatabase();
    await query(db.database.em.fork(), "insert into leases (name, holder, expires_at) values ('a', 'b', now())");
    expect(await query(other.database.em.fork(), "select * from leases")).toEqual([]);
    await other.close();
  });

  test("temporal-config lists the search attributes of the contract with their types, and no others", async () => {
    const file = new URL("../../temporal-config/search-attributes.json", import.meta.url);
    const listed = JSON.parse(await readFile(file, "utf8")) as Record<string, string>;
    const names = Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[];
    expect(listed).toEqual(
      Object.fromEntries(names.map((name) => [SEARCH_ATTRIBUTES[name], SEARCH_ATTRIBUTE_TYPES[name]])),
    );
  });

  test("the Temporal server knows every search attribute of the contract", async () => {
    const known = await temporal.client.connection.operatorService.listSearchAttributes({
      namespace: temporal.namespace,
    });
    expect(Object.keys(known.customAttributes ?? {})).toEqual(expect.arrayContaining(Object.values(SEARCH_ATTRIBUTES)));
  });
});
