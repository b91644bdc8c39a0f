import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, query, queryOne, transaction, type Db } from "../../src/db.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { until } from "../support/publishing.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.close());

const PLACES = 2;

describe("a connection that dies inside a transaction", () => {
  it.each([
    { when: "between two statements", last: "select 1", early: true },
    { when: "while a statement runs", last: "select pg_sleep(60)", early: false },
  ])("$when gives its place in the pool back", async ({ last, early }) => {
    const database = await createDatabase({ url: db.url, pool: PLACES });
    for (let time = 0; time <= PLACES; time++) {
      const work = transaction(database, async (tx) => {
        const row = await queryOne<{ pid: number }>(tx, `select pg_backend_pid() as pid`);
        const ended = end(row?.pid ?? 0, early ? "idle in transaction" : "active");
        if (early) await ended;
        await Promise.all([query(tx, last), ended]);
      });
      await expect(work).rejects.toThrow(/terminat|connection/i);
    }
    expect(await queryOne(database.em.fork(), `select 1 as one`)).toEqual({ one: 1 });
    await database.close();
  });
});

/** Ends the backend once it is in that state; resolves when it is gone. */
async function end(pid: number, state: string): Promise<void> {
  const admin: Db = db.database.em.fork();
  await until(`backend ${pid} to be ${state}`, () =>
    queryOne(
      admin,
      `select 1 from pg_stat_activity where pid = $1 and state = $2 and (state <> 'active' or query like '%pg_sleep%')`,
      [pid, state],
    ),
  );
  await query(admin, `select pg_terminate_backend($1, 5000)`, [pid]);
}
