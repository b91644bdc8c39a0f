/**
 * PostgreSQL: MikroORM has the settings, the pool, the entities and the migrations; statements and transactions go to the pool's
 * connections directly, which costs half of the ORM's way (docs/performance.md). One ORM per process, one forked EntityManager per
 * request and per activity.
 */
import { createHash } from "node:crypto";
import { MikroORM, type EntityManager } from "@mikro-orm/postgresql";
import { Migrator } from "@mikro-orm/migrations";
import { fileURLToPath } from "node:url";
import type { Pool, PoolClient, QueryResultRow } from "pg";
import { entities } from "./entities/index.ts";
import { RowNaming } from "./entities/naming.ts";

export type Database = MikroORM;
/** Either an EntityManager outside any transaction or the one that `transaction` hands out. */
export type Db = EntityManager;

/**
 * How long a transaction may wait for its own process. A worker that is frozen (a paused machine) inside one would keep the job's
 * row locked for as long as it sleeps, and with it every cancel, retry, reconciler and other worker. Ours pause for milliseconds.
 */
const IDLE_IN_TRANSACTION_MS = 15_000;

/** Of silence, before the system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 10_000;

/** `pool`: connections at most. Does not connect until the first query. */
export async function createDatabase(options: { url: string; pool?: number }): Promise<Database> {
  return MikroORM.init({
    clientUrl: options.url,
    entities,
    namingStrategy: RowNaming,
    pool: { min: 0, max: options.pool ?? 10 },
    driverOptions: {
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      // A host that vanished says nothing: its connections would keep their places in the pool.
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    },
    extensions: [Migrator],
    migrations: {
      path: fileURLToPath(new URL("../migrations", import.meta.url)),
      glob: "[0-9]*.ts",
      tableName: "migrations",
      snapshot: false,
      silent: true,
    },
  });
}

/** The pool of each ORM, by its driver, which all forks share. */
const pools = new WeakMap<object, Pool>();

async function poolOf(db: Db): Promise<Pool> {
  const driver = db.getDriver();
  const known = pools.get(driver);
  if (known) return known;
  const pool = await driver.getConnection().getNativeClient();
  pools.set(driver, pool);
  return pool;
}

/** A transaction, or a savepoint in one, for the EntityManager that it was handed out with. */
interface Hold {
  client: PoolClient;
  outer: Hold | null;
  over: boolean;
}

const holds = new WeakMap<Db, Hold>();

/** Null outside transactions. Throws when the transaction, or one around it, is over. */
function holdOf(db: Db): Hold | null {
  const hold = holds.get(db) ?? null;
  for (let at = hold; at; at = at.outer)
    if (at.over) throw new Error("a statement came after the end of its transaction");
  return hold;
}

/** Names of prepared statements. Texts are ours, so they are few: some hundred. */
const names = new Map<string, string>();

function nameOf(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = createHash("sha256").update(sql).digest("base64url").slice(0, 22);
  names.set(sql, name);
  return name;
}

/**
 * Runs one statement (`$1` placeholders) inside the current transaction, if there is one. Each text is prepared once per
 * connection: planning the statements of a publish costs PostgreSQL more than running them.
 */
export async function query<Row = Record<string, unknown>>(
  db: Db,
  sql: string,
  params: unknown[] = [],
): Promise<Row[]> {
  const held = holdOf(db)?.client;
  const client = held ?? (await (await poolOf(db)).connect());
  try {
    const { rows } = await client.query<QueryResultRow>({ name: nameOf(sql), text: sql, values: params });
    return rows as Row[];
  } catch (error) {
    if (spoils(error)) broken.add(client);
    throw error;
  } finally {
    if (!held) client.release(broken.has(client));
  }
}

/** Connections that are closed, not used again. */
const broken = new WeakSet<PoolClient>();

/**
 * SQLSTATEs that say that a prepared statement is not what it was: a migration has changed a column under it, or a pooler has given
 * the session to others. Each text would go on failing on this connection, and works on the next.
 */
const STALE = new Set(["0A000", "26000", "42P05"]);

/** All but a plain refusal: a connection that is lost, or a statement that was sent by half. */
function spoils(error: unknown): boolean {
  const { severity, code } = error as { severity?: unknown; code?: unknown };
  return severity !== "ERROR" || STALE.has(String(code));
}

/** The first row, or null. */
export async function queryOne<Row = Record<string, unknown>>(
  db: Db,
  sql: string,
  params: unknown[] = [],
): Promise<Row | null> {
  return (await query<Row>(db, sql, params))[0] ?? null;
}

/** Resolves when PostgreSQL answers. */
export async function pingDatabase(db: Db): Promise<void> {
  await query(db, "select 1");
}

/**
 * One transaction on one connection; nothing of it stays when `work` throws, or when a statement of it has failed. Inside another
 * one: a savepoint of that.
 */
export async function transaction<T>(database: Database | Db, work: (tx: Db) => Promise<T>): Promise<T> {
  const outer = database instanceof MikroORM ? null : holdOf(database);
  if (outer) return within(database as Db, { client: outer.client, outer, over: false }, NESTED, work);
  return onConnection(database, "begin", work);
}

/** One read-only view of the database as of now, for as long as `work` takes. */
export async function snapshot<T>(database: Database, work: (tx: Db) => Promise<T>): Promise<T> {
  return onConnection(database, "begin isolation level repeatable read read only", work);
}

/** Of savepoints with one name the newest counts, so one name is enough for any depth, if none stays behind. */
const NESTED = {
  begin: "savepoint nested",
  end: "release savepoint nested",
  undo: "rollback to savepoint nested; release savepoint nested",
};

async function onConnection<T>(database: Database | Db, begin: string, work: (tx: Db) => Promise<T>): Promise<T> {
  const em = database instanceof MikroORM ? database.em : database;
  const client = await (await poolOf(em)).connect();
  try {
    const hold = { client, outer: null, over: false };
    return await within(em, hold, { begin, end: "commit", undo: "rollback" }, work);
  } finally {
    client.release(broken.has(client));
  }
}

async function within<T>(
  em: Db,
  hold: Hold,
  { begin, end, undo }: typeof NESTED,
  work: (tx: Db) => Promise<T>,
): Promise<T> {
  const { client } = hold;
  const tx = em.fork();
  holds.set(tx, hold);
  try {
    await client.query(begin);
    const result = await work(tx);
    // Over before its end is sent: a statement of work that goes on all the same would run behind it, as a transaction of its own.
    hold.over = true;
    const { command } = await client.query(end);
    // How PostgreSQL answers a commit, without an error, when a statement has failed before it.
    if (command === "ROLLBACK") throw new Error("the transaction was undone: a statement in it had failed, unnoticed");
    return result;
  } catch (error) {
    hold.over = true;
    // It fails on a connection that is dead, where PostgreSQL has rolled back by itself. The first error tells why.
    if (!broken.has(client)) await client.query(undo).catch(() => void broken.add(client));
    throw error;
  }
}

/** The ISO form of a timestamp as the driver returns it (`2026-11-23 05:01:38.015+00`). */
export function iso(value: string): string;
export function iso(value: string | null): string | null;
export function iso(value: string | null): string | null {
  if (value === null) return null;
  // JavaScript reads what is not ISO slowly, and a page of jobs has a thousand of them.
  return AS_PRINTED.test(value)
    ? `${value.slice(0, 10)}T${value.slice(11, 19)}.${value.slice(20, -3).slice(0, 3).padEnd(3, "0")}Z`
    : new Date(value).toISOString();
}

const AS_PRINTED = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\+00$/;
