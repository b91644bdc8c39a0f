/**
 * What does it cost to know the truth about 10,000 open jobs, and how soon is it known? Their workflows are open on a real server, with an
 * idle worker; two gateways run, of which one leads the reconciler.
 *
 * Ours: requests a second that Temporal's frontend gets from the two, at rest, as its own metrics count them (without the worker's polls).
 * Theirs: the naive way, each job described every 3 s. And there is a second limit: what is done to one of the jobs is in its row within 15 s.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { configEnvironment } from "../src/config.ts";
import { createDatabase, query, queryOne, type Database } from "../src/db.ts";
import { startChild } from "../src/dev/child.ts";
import { inParallel } from "../src/storage/in-parallel.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { countRequests, countStatements, startCountedServers, type CountedServers } from "./support/counted-servers.ts";
import { cpuSeconds } from "./support/cpu.ts";
import { insertJobs } from "./support/jobs.ts";
import { untilRunning } from "./support/stack.ts";
import { round } from "./support/turns.ts";

const JOBS = 10_000;
const WINDOW_MS = 60_000;
/** A new leader lists everything once; by then it has. */
const SETTLE_MS = 30_000;
const NAIVE_SECONDS = 3;
const TOLD_SECONDS = 15;
/** Of each kind, one after the other. */
const PRESSES = 5;
const BEGIN_MS = 900_000;
const NOT_OURS = /^(Poll|Respond|RecordActivityTaskHeartbeat|ShutdownWorker)/;

export const reconcilerCost: Bench = {
  name: "reconciler-cost",
  question: "How many requests a second does Temporal get so that 10,000 open jobs tell the truth?",
  unit: "requests/s",
  goal: { at_most: 0.01 },
  async run(room) {
    const servers = await startCountedServers(room);
    const connection = await Connection.connect({ address: servers.temporal.address });
    room.onEnd(() => connection.close());
    const client = new Client({ connection, namespace: servers.temporal.namespace });
    const database = await createDatabase({ url: servers.url, pool: 4 });
    room.onEnd(() => database.close());
    const worker = await startNode(room, servers, "worker", "reconciler-cost/worker.ts");
    const ids = await openJobs(room, { client, database });
    const leader = await startNode(room, servers, "leader", "../src/gateway/main.ts");
    await delay(2_000);
    const other = await startNode(room, servers, "other gateway", "../src/gateway/main.ts");
    room.tell("the leader looks at all of them once");
    await delay(SETTLE_MS);

    const pids = { ...servers.pids, worker, leader, other };
    const rest = await measureRest(servers, pids);
    room.tell(`at rest ${rest.requests.toFixed(2)} requests/s, ${rest.statements.toFixed(1)} statements/s`);
    const told = await press(room, { client, database }, ids);
    const slowest = Math.max(...Object.values(told).flat());
    const naive = await describeAll(client, ids, pids);
    room.tell(
      `slowest told after ${slowest.toFixed(2)} s; describing gets ${naive.describes.toFixed(0)} answers a second`,
    );
    return {
      ours: rest.requests,
      theirs: JOBS / NAIVE_SECONDS,
      alsoMet: slowest <= TOLD_SECONDS,
      details: {
        ...{ jobs: JOBS, gateways: 2, seconds: WINDOW_MS / 1_000 },
        at_rest: rest.details,
        seconds_until_told: Object.fromEntries(Object.entries(told).map(([what, all]) => [what, all.map(round)])),
        limit_of_seconds: TOLD_SECONDS,
        naive: {
          wanted_a_second: round(JOBS / NAIVE_SECONDS),
          answered_a_second: round(naive.describes),
          cpu: naive.cpu,
        },
      },
    };
  },
};

/** Answers its process id when it is ready. */
async function startNode(room: BenchRoom, servers: CountedServers, name: string, path: string): Promise<number> {
  const log = join(room.folder, `${name.replace(" ", "-")}.log`);
  const child = await startChild({
    ...{ name, command: process.execPath, log, stopSignal: "SIGKILL" as const },
    args: [fileURLToPath(new URL(path, import.meta.url))],
    env: configEnvironment({
      PLATEN_DATABASE_URL: servers.url,
      PLATEN_TEMPORAL_ADDRESS: servers.temporal.address,
      PLATEN_TEMPORAL_NAMESPACE: servers.temporal.namespace,
      PLATEN_STORE_FOLDER: join(room.folder, "store"),
      PLATEN_GATEWAY_PORT: "0",
    }),
  });
  room.onEnd(() => child.stop(1_000));
  if (name === "worker") await untilRunning(log);
  return child.pid;
}

interface Servers {
  client: Client;
  database: Database;
}

/**
 * Rows as a publish in its third step leaves them, each with its workflow open. The last progress is in the future: that none of them has
 * any for a day is not what is measured. Those that will be reset have switched: they need no project to take a guard of.
 */
async function openJobs(room: BenchRoom, { client, database }: Servers): Promise<string[]> {
  const ids = await insertJobs(database, { count: JOBS, status: "running" });
  let started = 0;
  const runs = await inParallel(ids, { atATime: 32 }, async (id) => {
    const handle = await client.workflow.start("publish", {
      workflowId: id,
      taskQueue: "publish",
      memo: { generation: 1 },
    });
    if (++started % 1_000 === 0) room.tell(`${started} workflows are open`);
    return handle.firstExecutionRunId;
  });
  const late = Date.now() + BEGIN_MS;
  for (const id of ids.slice(0, 3 * PRESSES)) {
    while (!(await hasBegun(client, id))) {
      if (Date.now() > late) throw new Error(`workflow ${id} has not begun after ${BEGIN_MS / 1_000} s`);
      await delay(500);
    }
  }
  await query(
    database.em.fork(),
    `
    update jobs
    set run_id = opened.run_id, step = 'upload', progress = 40, attempt_at = 1, started_at = now(),
      steps = '[{"name": "upload", "label": "Upload", "status": "running"}]',
      last_activity_at = now() + interval '1 day', updated_at = now() - interval '1 hour'
    from unnest($1::uuid[], $2::text[]) as opened (job, run_id)
    where id = job
    `,
    [ids, runs],
  );
  const reset = ids.slice(0, PRESSES);
  await query(database.em.fork(), `update jobs set switched_at = now(), epoch = 1 where id = any($1::uuid[])`, [reset]);
  return ids;
}

async function hasBegun(client: Client, id: string): Promise<boolean> {
  const { events } = await client.workflow.getHandle(id).fetchHistory();
  return events?.some((event) => event.workflowTaskCompletedEventAttributes) ?? false;
}

async function measureRest(servers: CountedServers, pids: Record<string, number>) {
  const take = async () => ({
    at: performance.now(),
    requests: await countRequests(servers),
    statements: await countStatements(servers),
    cpu: await cpuSeconds(pids),
  });
  const before = await take();
  await delay(WINDOW_MS);
  const after = await take();
  const seconds = (after.at - before.at) / 1_000;
  const rates = (now: Map<string, number>, then: Map<string, number>): [string, number][] =>
    [...now]
      .map(([what, count]): [string, number] => [what, (count - (then.get(what) ?? 0)) / seconds])
      .filter(([, rate]) => rate > 0)
      .toSorted(([, one], [, other]) => other - one);
  const requests = rates(after.requests, before.requests).filter(([what]) => !NOT_OURS.test(what));
  const statements = (after.statements.all - before.statements.all) / seconds;
  const told = (all: [string, number][]) => all.map(([what, rate]) => [what, round(rate)]);
  return {
    requests: requests.reduce((sum, [, rate]) => sum + rate, 0),
    statements,
    details: {
      requests: told(requests),
      statements_a_second: round(statements),
      statements: told(rates(after.statements.calls, before.statements.calls)).slice(0, 10),
      ms_of_postgres_a_second: round((after.statements.spent - before.statements.spent) / seconds),
      cpu_share: Object.fromEntries(
        Object.entries(after.cpu).map(([name, until]) => [name, round((until - (before.cpu[name] ?? 0)) / seconds)]),
      ),
    },
  };
}

/** Presses what an operator can, on one job after the other; seconds until its row says so. */
async function press(room: BenchRoom, { client, database }: Servers, ids: string[]): Promise<Record<string, number[]>> {
  const { namespace } = client.options;
  const ways: Record<string, (workflowId: string) => Promise<unknown>> = {
    async reset(workflowId) {
      const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
      const first = events?.find((event) => event.workflowTaskCompletedEventAttributes);
      if (!first?.eventId) throw new Error(`workflow ${workflowId} has not begun`);
      await client.workflowService.resetWorkflowExecution({
        ...{ namespace, workflowExecution: { workflowId }, requestId: randomUUID(), reason: "bench" },
        workflowTaskFinishEventId: first.eventId,
      });
    },
    terminate: (workflowId) => client.workflow.getHandle(workflowId).terminate("bench"),
    delete: (workflowId) =>
      client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } }),
  };
  const told: Record<string, number[]> = {};
  for (const [at, [what, doIt]] of Object.entries(ways).entries()) {
    told[what] = [];
    for (const id of ids.slice(at * PRESSES, (at + 1) * PRESSES)) {
      await doIt(id);
      const pressed = performance.now();
      while (!(await isTold(database, id))) await delay(20);
      told[what].push((performance.now() - pressed) / 1_000);
    }
    room.tell(`${what}: told after ${told[what].map((seconds) => seconds.toFixed(2)).join(", ")} s`);
  }
  return told;
}

async function isTold(database: Database, id: string): Promise<boolean> {
  const sql = `select 1 from jobs where id = $1 and (status <> 'running' or generation = 2)`;
  return (await queryOne(database.em.fork(), sql, [id])) !== null;
}

/** As many describes as the server answers in ten seconds, 32 at a time. */
async function describeAll(client: Client, ids: string[], pids: Record<string, number>) {
  const [began, before] = [performance.now(), await cpuSeconds(pids)];
  let answered = 0;
  await inParallel(ids, { atATime: 32 }, async (id) => {
    if (performance.now() - began > 10_000) return;
    await client.workflow
      .getHandle(id)
      .describe()
      .catch(() => undefined);
    answered += 1;
  });
  const seconds = (performance.now() - began) / 1_000;
  const after = await cpuSeconds(pids);
  const cpu = ["temporal", "client"].map((name) => [name, round(((after[name] ?? 0) - (before[name] ?? 0)) / seconds)]);
  return { describes: answered / seconds, cpu: Object.fromEntries(cpu) as Record<string, number> };
}
