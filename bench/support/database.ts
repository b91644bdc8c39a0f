/** Databases on the stack's server, and what PostgreSQL counted. */
import { createDatabase, query, type Database } from "../../src/db.ts";
import { ensureDatabase } from "../../src/dev/database-store.ts";
import { migrate } from "../../src/dev/migrate.ts";
import type { BenchRoom } from "./bench.ts";

export interface BenchDatabase {
  url: string;
  database: Database;
}

/** A connection of the bench's own to the database at `url`. */
export async function openDatabase(room: BenchRoom, url: string): Promise<BenchDatabase> {
  const database = await createDatabase({ url, pool: 4 });
  room.onEnd(() => database.close());
  return { url, database };
}

/** Another database with our schema on the same server, for what must not meet our own rows. */
export async function besideDatabase(room: BenchRoom, ours: string, name: string): Promise<BenchDatabase> {
  const url = new URL(ours);
  url.pathname = `/${name}`;
  await ensureDatabase(ours, name);
  await migrate(url.href);
  return openDatabase(room, url.href);
}

/** How often the server has flushed its log by now, all databases; and transactions of this one. */
export async function counters({ database }: BenchDatabase): Promise<{ flushes: number; transactions: number }> {
  const db = database.em.fork();
  await query(db, `select pg_stat_force_next_flush()`);
  const [io] = await query<{ n: string }>(db, `select sum(fsyncs) as n from pg_stat_io where object = 'wal'`);
  const [own] = await query<{ n: string }>(
    db,
    `select xact_commit + xact_rollback as n from pg_stat_database where datname = current_database()`,
  );
  return { flushes: Number(io?.n), transactions: Number(own?.n) };
}
