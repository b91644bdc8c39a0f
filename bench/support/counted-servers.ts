/** PostgreSQL that counts statements, and Temporal that counts requests, each for what the product asks of it. */
import { join } from "node:path";
import getPort from "get-port";
import { createDatabase, query, type Database } from "../../src/db.ts";
import { startChild, type StartChild } from "../../src/dev/child.ts";
import { ensureDatabase } from "../../src/dev/database-store.ts";
import { migrate } from "../../src/dev/migrate.ts";
import { startPostgres } from "../../src/dev/postgres.ts";
import { startTemporal, type TemporalServer } from "../../src/dev/temporal.ts";
import type { BenchRoom } from "./bench.ts";

export interface CountedServers {
  /** The product's database: whoever asks it counts. */
  url: string;
  /** Another one on the same server, for asking what was counted. */
  beside: Database;
  temporal: TemporalServer;
  /** Of Temporal's server, for Prometheus. */
  metrics: string;
  pids: Record<string, number>;
}

export async function startCountedServers(room: BenchRoom): Promise<CountedServers> {
  const appending =
    (server: string, ...more: string[]): StartChild =>
    (options) =>
      startChild(options.name === server ? { ...options, args: [...options.args, ...more] } : options);
  const port = await getPort({ host: "127.0.0.1" });
  const postgres = await startPostgres({
    ...{ dataDir: join(room.folder, "postgres"), log: join(room.folder, "postgres.log"), durable: true },
    start: appending("PostgreSQL", "-c", "shared_preload_libraries=pg_stat_statements"),
  });
  room.onEnd(() => postgres.stop());
  const temporal = await startTemporal({
    log: join(room.folder, "temporal.log"),
    start: appending("Temporal", "--metrics-port", String(port)),
  });
  room.onEnd(() => temporal.stop());
  await ensureDatabase(postgres.url(), "platen");
  await migrate(postgres.url("platen"));
  const beside = await createDatabase({ url: postgres.url(), pool: 2 });
  room.onEnd(() => beside.close());
  await query(beside.em.fork(), `create extension pg_stat_statements`);
  return {
    ...{ url: postgres.url("platen"), beside, temporal, metrics: `http://127.0.0.1:${port}/metrics` },
    pids: { postgres: postgres.child.pid, temporal: temporal.child.pid },
  };
}

export interface Statements {
  all: number;
  /** By their first words, the most frequent first. */
  calls: Map<string, number>;
  /** ms that PostgreSQL has spent on them by now. */
  spent: number;
}

/** Statements in the product's database by now. */
export async function countStatements({ beside }: CountedServers): Promise<Statements> {
  const rows = await query<{ query: string; calls: string; spent: number }>(
    beside.em.fork(),
    `select query, calls, total_exec_time as spent from pg_stat_statements s join pg_database d on d.oid = s.dbid
     where d.datname = 'platen' and toplevel order by calls desc`,
  );
  const calls = new Map<string, number>();
  for (const row of rows) {
    const text = row.query.replaceAll(/\s+/g, " ").trim().slice(0, 60);
    calls.set(text, (calls.get(text) ?? 0) + Number(row.calls));
  }
  const all = [...calls.values()].reduce((sum, each) => sum + each, 0);
  return { all, calls, spent: rows.reduce((sum, row) => sum + row.spent, 0) };
}

/** Requests that Temporal's frontend has had by now, by operation. */
export async function countRequests({ metrics }: CountedServers): Promise<Map<string, number>> {
  const text = await (await fetch(metrics)).text();
  const counts = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (!line.startsWith("service_requests{") || !line.includes('service_name="frontend"')) continue;
    const operation = /operation="([^"]*)"/.exec(line)?.[1] ?? "";
    counts.set(operation, (counts.get(operation) ?? 0) + Number(line.split(" ").at(-1)));
  }
  return counts;
}
