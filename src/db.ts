/** PostgreSQL through MikroORM: one ORM per process, one forked EntityManager per request and per activity. */
import { IsolationLevel, MikroORM, type EntityManager } from "@mikro-orm/postgresql";
import { Migrator } from "@mikro-orm/migrations";
import { CompiledQuery } from "kysely";
import { fileURLToPath } from "node:url";
import type { Pool, PoolClient } from "pg";
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

/** `pool`: connections at most. Does not connect until the first query. */
export async function createDatabase(options: { url: string; pool?: number }): Promise<Database> {
  return MikroORM.init({
    clientUrl: options.url,
    entities,
    namingStrategy: RowNaming,
    pool: { min: 0, max: options.pool ?? 10 },
    driverOptions: { idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS, onPoolCreated: takeBackDead },
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

/**
 * Takes a connection back when it dies inside a transaction. Kysely gives it back after the rollback, which fails on a dead one: each
 * restart of PostgreSQL would cost the pool as many places as there were transactions, until nothing works any more and no stop ends.
 */
function takeBackDead(pool: Pool): void {
  const held = new Set<PoolClient>();
  pool.on("acquire", (client) => void held.add(client));
  pool.on("release", (_, client) => void held.delete(client));
  pool.on("connect", (client: PoolClient) => {
    client.once("end", () => {
      if (!held.has(client)) return;
      client.release(true);
      // Whoever still holds it may give it back, too.
      client.release = () => undefined;
    });
  });
}

/** Runs one statement (`$1` placeholders) inside the current transaction, if there is one. */
export async function query<Row = Record<string, unknown>>(
  db: Db,
  sql: string,
  params: unknown[] = [],
): Promise<Row[]> {
  const result = await db.getKysely().executeQuery(CompiledQuery.raw(sql, params));
  return result.rows as Row[];
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

/** One transaction on one connection; nothing of it stays when `work` throws. */
export async function transaction<T>(database: Database | Db, work: (tx: Db) => Promise<T>): Promise<T> {
  const em = database instanceof MikroORM ? database.em.fork() : database;
  return em.transactional(work as (tx: unknown) => Promise<T>, { clear: true });
}

/** One read-only view of the database as of now, for as long as `work` takes. */
export async function snapshot<T>(database: Database, work: (tx: Db) => Promise<T>): Promise<T> {
  const options = { clear: true, isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true };
  return database.em.fork().transactional(work as (tx: unknown) => Promise<T>, options);
}

/** The ISO form of a timestamp as the driver returns it (`2026-11-23 05:01:38.015+00`). */
export function iso(value: string): string;
export function iso(value: string | null): string | null;
export function iso(value: string | null): string | null {
  return value === null ? null : new Date(value).toISOString();
}
