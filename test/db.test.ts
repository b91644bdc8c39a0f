import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query, queryOne, transaction, type Db } from "../src/db.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";

let db: TestDatabase;

/** One connection, so that each test sees what the one before it has left behind. */
beforeAll(async () => {
  db = await createTestDatabase({ pool: 1 });
});
afterAll(() => db.close());
beforeEach(async () => {
  await query(db.database.em, `drop table if exists notes`);
  await query(db.database.em, `create table notes (text text not null unique)`);
});

const note = (on: Db, text: string): Promise<unknown> => query(on, `insert into notes (text) values ($1)`, [text]);
const notes = async (): Promise<string[]> => {
  const rows = await query<{ text: string }>(db.database.em, `select text from notes order by text`);
  return rows.map(({ text }) => text);
};
const process = async (on: Db): Promise<number> => {
  const row = await queryOne<{ pid: number }>(on, `select pg_backend_pid() as pid`);
  return row!.pid;
};

describe("a transaction", () => {
  it("keeps all that was written in it, or nothing", async () => {
    await transaction(db.database, (tx) => note(tx, "kept"));
    const failed = transaction(db.database, async (tx) => {
      await note(tx, "undone");
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(await notes()).toEqual(["kept"]);
  });

  it("fails when PostgreSQL has undone it, though nobody noticed the statement that failed", async () => {
    const hidden = transaction(db.database, async (tx) => {
      await note(tx, "lost");
      await note(tx, "lost").catch(() => undefined);
    });
    await expect(hidden).rejects.toThrow(/undone/);
    expect(await notes()).toEqual([]);
  });

  it("undoes an inner one to where that began, also when one within it has failed before", async () => {
    await transaction(db.database, async (tx) => {
      await note(tx, "outer");
      const inner = transaction(tx, async (inner) => {
        await note(inner, "inner");
        await expect(transaction(inner, (deep) => note(deep, "inner"))).rejects.toThrow(/duplicate/);
        throw new Error("no");
      });
      await expect(inner).rejects.toThrow("no");
      await note(tx, "after");
    });
    expect(await notes()).toEqual(["after", "outer"]);
  });

  it("runs no statement after its end, not even of work that goes on while it is being undone", async () => {
    let straggler: Promise<unknown> | undefined;
    const failed = transaction(db.database, async (tx) => {
      await note(tx, "one");
      straggler = new Promise(setImmediate).then(() => note(tx, "straggler"));
      straggler.catch(() => undefined);
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    await expect(straggler).rejects.toThrow(/end of its transaction/);
    expect(await notes()).toEqual([]);
  });

  it("ends what is within it: an inner one that goes on all the same runs nothing either", async () => {
    let goOn!: () => void;
    const over = new Promise<void>((resolve) => (goOn = resolve));
    let inner: Promise<unknown> | undefined;
    const failed = transaction(db.database, async (tx) => {
      await new Promise<void>((begun) => {
        inner = transaction(tx, async (within) => {
          begun();
          await over;
          await note(within, "straggler");
        });
        inner.catch(() => undefined);
      });
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    goOn();
    await expect(inner).rejects.toThrow(/end of its transaction/);
    expect(await notes()).toEqual([]);
  });

  it("cannot be begun within one that is over", async () => {
    const tx = await transaction(db.database, (each) => Promise.resolve(each));
    await expect(transaction(tx, (late) => note(late, "late"))).rejects.toThrow(/end of its transaction/);
    expect(await notes()).toEqual([]);
  });
});

describe("an error", () => {
  it("says who asked", async () => {
    async function theOneWhoAsks() {
      return await queryOne(db.database.em, `select 1 from nowhere`);
    }
    const failed = theOneWhoAsks().catch((error: unknown) => error);
    expect(((await failed) as Error).stack).toContain("theOneWhoAsks");
  });
});

describe("a connection", () => {
  it("is another one after PostgreSQL has closed it inside a transaction, and its place in the pool is free", async () => {
    const cut = transaction(db.database, async (tx) => {
      await note(tx, "cut");
      await query(tx, `select pg_terminate_backend(pg_backend_pid())`);
    });
    await expect(cut).rejects.toThrow();
    expect(await notes()).toEqual([]);
  });

  it("prepares a statement again that failed because of a table that was not there yet", async () => {
    const count = () => queryOne<{ count: number }>(db.database.em, `select count(*)::int as count from later`);
    await expect(count()).rejects.toThrow(/does not exist/);
    await query(db.database.em, `create table later ()`);
    expect(await count()).toEqual({ count: 0 });
    await query(db.database.em, `drop table later`);
  });

  it("is another one after a column has changed its type under a prepared statement", async () => {
    await note(db.database.em, "1");
    expect(await notes()).toEqual(["1"]);
    await query(db.database.em, `alter table notes alter text type int using text::int`);
    await expect(notes()).rejects.toThrow(/cached plan/);
    expect(await notes()).toEqual([1]);
  });

  it("is another one after a value could not be sent", async () => {
    const ask = (value: unknown) => queryOne(db.database.em, `select $1::text as value`, [value]);
    const before = await process(db.database.em);
    const bad = {
      toPostgres: () => {
        throw new Error("no value");
      },
    };
    await expect(ask(bad)).rejects.toThrow("no value");
    expect(await ask("good")).toEqual({ value: "good" });
    expect(await process(db.database.em)).not.toBe(before);
  });

  it("is the same one after a statement that PostgreSQL has refused", async () => {
    const before = await process(db.database.em);
    await note(db.database.em, "one");
    await expect(note(db.database.em, "one")).rejects.toThrow(/duplicate/);
    expect(await process(db.database.em)).toBe(before);
  });
});
