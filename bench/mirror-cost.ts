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
import { configEnvironment } from "../src/config.ts";
import { createDatabase, queryOne } from "../src/db.ts";
import { startChild } from "../src/dev/child.ts";
import { inParallel } from "../src/storage/in-parallel.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import {
  countRequests,
  countStatements,
  startCountedServers,
  type CountedServers,
  type Statements,
} from "./support/counted-servers.ts";
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

export const mirrorCost: Bench = {
  name: "mirror-cost",
  question: "How many statements a second does PostgreSQL run for 500 activities that report ten times a second each?",
  unit: "statements/s",
  goal: { at_most: 1 },
  async run(room) {
    const servers = await startCountedServers(room);
    await startWorkflows(room, servers);
    const worker = await startWorker(room, servers);
    await untilAllReport(room, servers);
    await delay(SETTLE_MS);
    const pids = { ...servers.pids, worker };
    const [before, cpuBefore] = [await counted(servers), await cpuSeconds(pids)];
    await delay(WINDOW_MS);
    const [after, cpuAfter] = [await counted(servers), await cpuSeconds(pids)];
    const seconds = (after.at - before.at) / 1_000;
    const statements = (after.all - before.all) / seconds;
    const heartbeats = (after.heartbeats - before.heartbeats) / seconds / ACTIVITIES;
    const fresh = await freshRows(servers);
    room.tell(`${statements.toFixed(2)} statements/s, a heartbeat every ${(1 / heartbeats).toFixed(2)} s each`);
    return {
      ours: statements,
      theirs: STATEMENTS_A_SECOND,
      alsoMet: heartbeats <= 1 / SECONDS_A_HEARTBEAT && fresh === ACTIVITIES,
      details: {
        ...{ activities: ACTIVITIES, reports_a_second_each: 10, seconds: round(seconds) },
        statements: [...after.calls]
          .slice(0, 5)
          .map(([text, calls]) => [text, round((calls - (before.calls.get(text) ?? 0)) / seconds)]),
        ms_a_statement: round((after.spent - before.spent) / (after.all - before.all)),
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

/** Answers its process id when it polls. */
async function startWorker(room: BenchRoom, { url, temporal }: CountedServers): Promise<number> {
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
async function startWorkflows(room: BenchRoom, { url, temporal }: CountedServers): Promise<void> {
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
async function untilAllReport(room: BenchRoom, servers: CountedServers): Promise<void> {
  const late = Date.now() + START_MS;
  for (let told = -1, running = 0; running < ACTIVITIES; await delay(500)) {
    running = await freshRows(servers);
    if (running !== told) room.tell(`${running} activities report`);
    told = running;
    if (Date.now() > late) throw new Error(`${running} of ${ACTIVITIES} activities report after ${START_MS / 1_000} s`);
  }
}

interface Counted extends Statements {
  /** ms. */
  at: number;
  heartbeats: number;
}

async function counted(servers: CountedServers): Promise<Counted> {
  const statements = await countStatements(servers);
  const at = performance.now();
  const heartbeats = (await countRequests(servers)).get("RecordActivityTaskHeartbeat") ?? 0;
  return { ...statements, at, heartbeats };
}

async function freshRows({ url }: CountedServers): Promise<number> {
  const database = await createDatabase({ url, pool: 1 });
  const sql = `select count(*)::int as count from jobs where report > 0 and updated_at > now() - interval '1 second'`;
  const row = await queryOne<{ count: number }>(database.em.fork(), sql);
  await database.close();
  return row?.count ?? 0;
}
