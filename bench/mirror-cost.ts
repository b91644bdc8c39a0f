/**
 * What do many reports cost the servers? 500 running activities on one worker report ten times a second each: 5,000 reports a second.
 *
 * Ours: statements a second that PostgreSQL runs in the worker's database, as `pg_stat_statements` counts them. Theirs: the limit,
 * 10 a second. And there is a second limit: Temporal gets a heartbeat of each activity every 2 s at most, as its server's own
 * metrics count requests.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import getPort from "get-port";
import { configEnvironment } from "../src/config.ts";
import { createDatabase, query, queryOne, type Database } from "../src/db.ts";
import { startChild, type StartChild } from "../src/dev/child.ts";
import { ensureDatabase } from "../src/dev/database-store.ts";
import { migrate } from "../src/dev/migrate.ts";
import { startPostgres } from "../src/dev/postgres.ts";
import { startTemporal, type TemporalServer } from "../src/dev/temporal.ts";
import { inParallel } from "../src/storage/in-parallel.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { cpuSeconds } from "./support/cpu.ts";
import { insertJobs } from "./support/jobs.ts";
import { untilRunning } from "./support/stack.ts";
import { round } from "./support/turns.ts";

const ACTIVITIES = 500;
const WINDOW_MS = 30_000;
/** A minute on a quiet machine, far more on one that others use. */
const START_MS = 300_000;
/** All have sent their first heartbeat by then. */
const SETTLE_MS = 5_000;
const STATEMENTS_A_SECOND = 10;
const SECONDS_A_HEARTBEAT = 2;

interface Servers {
  /** The worker's database: whoever asks it counts. */
  url: string;
  /** Another one on the same server, for asking what was counted. */
  beside: Database;
  temporal: TemporalServer;
  metrics: string;
  pids: Record<string, number>;
}

export const mirrorCost: Bench = {
  name: "mirror-cost",
  question: "How many statements a second does PostgreSQL run for 500 activities that report ten times a second each?",
  unit: "statements/s",
  goal: { at_most: 1 },
  async run(room) {
    const servers = await startServers(room);
    await startWorkflows(room, servers);
    const worker = await startWorker(room, servers);
    await untilAllReport(room, servers);
    await delay(SETTLE_MS);
    const pids = { ...servers.pids, worker };
    const [before, cpuBefore] = [await counted(servers), await cpuSeconds(pids)];
    await delay(WINDOW_MS);
    const [after, cpuAfter] = [await counted(servers), await cpuSeconds(pids)];
    const seconds = (after.at - before.at) / 1_000;
    const statements = (after.statements - before.statements) / seconds;
    const heartbeats = (after.heartbeats - before.heartbeats) / seconds / ACTIVITIES;
    const fresh = await freshRows(servers);
    room.tell(`${statements.toFixed(2)} statements/s, a heartbeat every ${(1 / heartbeats).toFixed(2)} s each`);
    return {
      ours: statements,
      theirs: STATEMENTS_A_SECOND,
      alsoMet: heartbeats <= 1 / SECONDS_A_HEARTBEAT && fresh === ACTIVITIES,
      details: {
        ...{ activities: ACTIVITIES, reports_a_second_each: 10, seconds: round(seconds) },
        statements: after.byText.map(([text, calls]) => [
          text,
          round((calls - (before.calls.get(text) ?? 0)) / seconds),
        ]),
        ms_a_statement: round((after.spent - before.spent) / (after.statements - before.statements)),
        heartbeats_a_second_each: round(heartbeats),
        limit_of_heartbeats: 1 / SECONDS_A_HEARTBEAT,
        rows_not_older_than_a_second: fresh,
        cpu_share: Object.fromEntries(
          Object.entries(cpuAfter).map(([name, until]) => [name, round((until - (cpuBefore[name] ?? 0)) / seconds)]),
        ),
      },
    };
  },
};

async function startServers(room: BenchRoom): Promise<Servers> {
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

/** Answers its process id when it polls. */
async function startWorker(room: BenchRoom, { url, temporal }: Servers): Promise<number> {
  const log = join(room.folder, "worker.log");
  const child = await startChild({
    ...{ name: "worker", command: process.execPath, log, stopSignal: "SIGKILL" as const },
    args: [fileURLToPath(new URL("mirror-cost/worker.ts", import.meta.url))],
    env: configEnvironment({
      PLATEN_DATABASE_URL: url,
      PLATEN_TEMPORAL_ADDRESS: temporal.address,
      PLATEN_TEMPORAL_NAMESPACE: temporal.namespace,
      PLATEN_STORE_FOLDER: join(room.folder, "store"),
      PLATEN_WORKER_CONCURRENCY: String(ACTIVITIES),
    }),
  });
  room.onEnd(() => child.stop(1_000));
  await untilRunning(log);
  return child.pid;
}

/** Before there is a worker: with hundreds of heartbeats a second on its way the dev server takes long to start one more. */
async function startWorkflows(room: BenchRoom, { url, temporal }: Servers): Promise<void> {
  room.tell(`starting ${ACTIVITIES} workflows`);
  const database = await createDatabase({ url, pool: 1 });
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const { workflow } = new Client({ connection, namespace: temporal.namespace });
    const ids = await insertJobs(database, { count: ACTIVITIES, status: "queued" });
    await inParallel(ids, { atATime: 16 }, async (id) => {
      await workflow.start("reporting", { workflowId: id, taskQueue: "reporting", args: [id] });
    });
  } finally {
    await connection.close();
    await database.close();
  }
}

/** Error: some do not in time. */
async function untilAllReport(room: BenchRoom, servers: Servers): Promise<void> {
  const late = Date.now() + START_MS;
  for (let told = -1, running = 0; running < ACTIVITIES; await delay(500)) {
    running = await freshRows(servers);
    if (running !== told) room.tell(`${running} activities report`);
    told = running;
    if (Date.now() > late) throw new Error(`${running} of ${ACTIVITIES} activities report after ${START_MS / 1_000} s`);
  }
}

interface Counted {
  /** ms. */
  at: number;
  statements: number;
  /** The five most frequent, and all, by their first words. */
  byText: [string, number][];
  calls: Map<string, number>;
  /** ms that PostgreSQL has spent on the statements by now. */
  spent: number;
  heartbeats: number;
}

async function counted({ beside, metrics }: Servers): Promise<Counted> {
  const rows = await query<{ query: string; calls: string; spent: number }>(
    beside.em.fork(),
    `select query, calls, total_exec_time as spent from pg_stat_statements s join pg_database d on d.oid = s.dbid
     where d.datname = 'platen' and toplevel order by calls desc`,
  );
  const at = performance.now();
  const calls = new Map<string, number>();
  for (const row of rows) {
    const text = row.query.replaceAll(/\s+/g, " ").trim().slice(0, 60);
    calls.set(text, (calls.get(text) ?? 0) + Number(row.calls));
  }
  const statements = [...calls.values()].reduce((sum, each) => sum + each, 0);
  const spent = rows.reduce((sum, row) => sum + row.spent, 0);
  return { at, statements, byText: [...calls].slice(0, 5), calls, spent, heartbeats: await heartbeatsAt(metrics) };
}

/** Requests that the frontend has had by now. */
async function heartbeatsAt(metrics: string): Promise<number> {
  const text = await (await fetch(metrics)).text();
  const lines = text.split("\n").filter((line) => /^service_requests\{.*RecordActivityTaskHeartbeat/.test(line));
  const frontend = lines.filter((line) => line.includes('service_name="frontend"'));
  return frontend.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function freshRows({ url }: Servers): Promise<number> {
  const database = await createDatabase({ url, pool: 1 });
  const sql = `select count(*)::int as count from jobs where report > 0 and updated_at > now() - interval '1 second'`;
  const row = await queryOne<{ count: number }>(database.em.fork(), sql);
  await database.close();
  return row?.count ?? 0;
}
