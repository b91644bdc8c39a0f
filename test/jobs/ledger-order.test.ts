/**
 * The guarantee that cursors stand on: who has read the ledger up to `seq` has missed nothing before it, however many write at once.
 * The same writers and the same reader on a table with a plain sequence show that the test can see a loss.
 */
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { query, transaction, type Db } from "../../src/db.ts";
import { eventsAfter } from "../../src/jobs/ledger-store.ts";
import { logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { attemptOf, createProtocolRoom, type ProtocolRoom } from "../support/protocol-room.ts";
import { ledger } from "../support/publishing.ts";

const WRITERS = 8;
/** Of each writer. */
const WRITES = 150;
const ALL = WRITERS * WRITES;

let protocol: ProtocolRoom;
beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());

/** `alone`: one statement, committed as it ends. `within`: inside a transaction that goes on for a while. */
interface Log {
  alone(message: string): Promise<void>;
  within(tx: Db, message: string): Promise<void>;
  /** Number and message of what comes after the cursor, in order. */
  after(cursor: number): Promise<[number, string][]>;
}

/** Eight writers at once, each on a connection of its own; answers what a reader has found that went ahead with its cursor all the time. */
async function follow(log: Log, from: number): Promise<[number, string][]> {
  let writing = true;
  const write = async (writer: number): Promise<void> => {
    for (let at = 0; at < WRITES; at += 1) {
      const message = `${writer}/${at}`;
      if (at % 2 === 0) await log.alone(message);
      else
        await transaction(protocol.room.database, async (tx) => {
          await log.within(tx, message);
          // As settling, cancelling and adopting go on with the guard.
          await query(tx, "select 1");
        });
    }
  };
  const written = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer))).finally(
    () => (writing = false),
  );
  const read: [number, string][] = [];
  for (let last = false; !last;) {
    // What was written before the last look is in it.
    last = !writing;
    read.push(...(await log.after(read.at(-1)?.[0] ?? from)));
    await setImmediate();
  }
  await written;
  return read;
}

it("a cursor over the ledger skips no event of eight concurrent writers, and one over a plain sequence does", async () => {
  const { deps, database } = protocol.room;
  const { job } = await protocol.renew();
  const grip = await protocol.grip(attemptOf(job, "F", 1));
  const before = await ledger(protocol.room, job);
  const told = (message: string) => ({ level: "info", message });
  const read = await follow(
    {
      alone: (message) => logEntry(deps, grip, told(message)),
      within: async (tx, message) => void (await writeJob(tx, job, {}, [{ kind: "log", data: told(message) }])),
      after: async (cursor) =>
        (await eventsAfter(database.em.fork(), job, cursor, 1_000)).map(({ seq, data }) => [
          seq,
          String(data["message"]),
        ]),
    },
    before.length,
  );
  expect(read.map(([seq]) => seq)).toEqual(Array.from({ length: ALL }, (_, index) => before.length + 1 + index));
  expect(new Set(read.map(([, message]) => message)).size).toBe(ALL);
  for (let writer = 0; writer < WRITERS; writer += 1) {
    const own = read.map(([, message]) => message).filter((message) => message.startsWith(`${writer}/`));
    expect(own).toEqual(Array.from({ length: WRITES }, (_, at) => `${writer}/${at}`));
  }

  const db = database.em.fork();
  await query(db, `create table plain (seq bigserial primary key, message text not null)`);
  const insert = async (on: Db, message: string): Promise<void> =>
    void (await query(on, `insert into plain (message) values ($1)`, [message]));
  const skipping = await follow(
    {
      alone: (message) => insert(database.em.fork(), message),
      within: insert,
      after: async (cursor) => {
        const sql = `select seq::int, message from plain where seq > $1 order by seq limit 1000`;
        const rows = await query<{ seq: number; message: string }>(db, sql, [cursor]);
        return rows.map(({ seq, message }) => [seq, message]);
      },
    },
    0,
  );
  expect(await query(db, `select count(*)::int as count from plain`)).toEqual([{ count: ALL }]);
  expect(ALL - skipping.length).toBeGreaterThan(0);
});
