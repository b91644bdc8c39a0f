/** A database of its own for a test file. */
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { createDatabase, type Database } from "../../src/db.ts";
import { administer } from "../../src/dev/database-store.ts";
import { hasFailed } from "./failed-file.ts";

export interface TestDatabase {
  url: string;
  database: Database;
  /** Drops it, but keeps it for a look when a test of the file has failed. */
  close(): Promise<void>;
}

/** Clones the migrated template (about 50 ms): `beforeAll(async () => { db = await createTestDatabase(); })`. */
export async function createTestDatabase(options: { pool?: number } = {}): Promise<TestDatabase> {
  const template = new URL(inject("servers").template);
  const name = `test_${randomBytes(6).toString("hex")}`;
  const admin = withDatabase(template, "postgres");
  await administer(admin, `create database ${name} template ${template.pathname.slice(1)}`);
  const url = withDatabase(template, name);
  const database = await createDatabase({ url, ...options });
  return {
    url,
    database,
    async close() {
      await database.close();
      if (!hasFailed()) await administer(admin, `drop database ${name} with (force)`);
    },
  };
}

function withDatabase(server: URL, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
