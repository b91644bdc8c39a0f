/**
 * What does it cost to run jobs as a group?
 *
 * Ours: seconds from the request of a group of 1,000 members that do nothing in one activity, to its final state: rows, events, guards
 * against resets and zombies, an entry in the group's ledger for each end. Theirs: 1,000 rows inserted by one statement, and a bare
 * workflow with as many children, whose one activity writes the row when it begins and when it ends. Both on the same worker process, with the
 * same settings, PostgreSQL and Temporal servers.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import pg from "pg";
import { v7 as uuidv7 } from "uuid";
import { configEnvironment } from "../src/config.ts";
import { createDatabase, transaction, type Database } from "../src/db.ts";
import { startChild } from "../src/dev/child.ts";
import { insertGroup } from "../src/jobs/groups/insert-group.ts";
import { readJob } from "../src/jobs/job-store.ts";
import { startJob } from "../src/jobs/protocol/start.ts";
import { createExecutions } from "../src/temporal.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { startCountedServers, type CountedServers } from "./support/counted-servers.ts";
import { makeSmallDrafts, type SmallDraft } from "./support/small-drafts.ts";
import { untilRunning } from "./support/stack.ts";
import { inTurns, median, round, summary, timed } from "./support/turns.ts";

const MEMBERS = 1_000;
const WARM_UP = 50;
const ROUNDS = 3;
/** As many as the machine runs at a time by far, on both sides. */
const CONCURRENCY = 50;
const LATE_MS = 600_000;

interface Sides {
  database: Database;
  client: Client;
  pool: pg.Pool;
  draft: SmallDraft;
}

export const group: Bench = {
  name: "group",
  question: "How long does a group of 1,000 members that do nothing take, against 1,000 bare child workflows?",
  unit: "s",
  goal: { at_most: 1.3 },
  async run(room) {
    const servers = await startCountedServers(room);
    await startWorker(room, servers);
    const sides = await openSides(room, servers);
    room.tell("warming up");
    await ours(sides, WARM_UP);
    await theirs(sides, WARM_UP);
    const told = (side: string, seconds: number): number => {
      room.tell(`${side.padEnd(6)} ${seconds.toFixed(2)} s`);
      return seconds;
    };
    const turns = await inTurns(ROUNDS, {
      ours: async () => told("ours", await ours(sides, MEMBERS)),
      theirs: async () => told("theirs", await theirs(sides, MEMBERS)),
    });
    return {
      ours: median(turns.ours),
      theirs: median(turns.theirs),
      details: {
        members: MEMBERS,
        ours: { ...summary(turns.ours), members_per_second: round(MEMBERS / median(turns.ours)) },
        theirs: { ...summary(turns.theirs), members_per_second: round(MEMBERS / median(turns.theirs)) },
      },
    };
  },
};

async function startWorker(room: BenchRoom, { url, temporal }: CountedServers): Promise<void> {
  const log = join(room.folder, "worker.log");
  const child = await startChild({
    ...{ name: "worker", command: process.execPath, log, stopSignal: "SIGKILL" as const },
    args: [fileURLToPath(new URL("group/worker.ts", import.meta.url))],
    env: configEnvironment({
      PLATEN_DATABASE_URL: url,
      PLATEN_TEMPORAL_ADDRESS: temporal.address,
      PLATEN_TEMPORAL_NAMESPACE: temporal.namespace,
      PLATEN_STORE_FOLDER: join(room.folder, "store"),
      PLATEN_WORKER_CONCURRENCY: String(CONCURRENCY),
    }),
  });
  room.onEnd(() => child.stop(1_000));
  await untilRunning(log);
}

async function openSides(room: BenchRoom, { url, temporal }: CountedServers): Promise<Sides> {
  const database = await createDatabase({ url, pool: 4 });
  const connection = await Connection.connect({ address: temporal.address });
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  room.onEnd(async () => {
    await connection.close();
    await pool.end();
    await database.close();
  });
  const [draft] = await makeSmallDrafts({ database, store: join(room.folder, "store"), count: 1 });
  if (!draft) throw new Error("no draft was made");
  return { database, pool, draft, client: new Client({ connection, namespace: temporal.namespace }) };
}

/** What POST /groups does, and then looks at the row until it is final. */
async function ours({ database, client, draft }: Sides, count: number): Promise<number> {
  const id = uuidv7();
  const executions = createExecutions(client, { taskQueuePrefix: "" });
  const { seconds } = await timed(async () => {
    await transaction(database, (tx) => {
      const by = { id: draft.principal_id, tenant_id: draft.tenant_id };
      const terms = { title: null, priority: 3, weight: 1, depends_on: [] };
      const about = { job_type: "tile_generation" as const, payload: { project: draft.project, version: 1 } };
      const members = Array.from({ length: count }, (_, index) => ({ key: `m${index}`, ...about, ...terms }));
      return insertGroup(tx, { id, by, payload: { on_failure: "stop" } }, members);
    });
    await startJob({ database, executions }, id, 1);
    const late = Date.now() + LATE_MS;
    for (;;) {
      const row = await readJob(database.em.fork(), id);
      if (row?.status === "completed") return;
      if (Date.now() > late || row?.status === "failed")
        throw new Error(`the group is ${row?.status}: ${row?.message}`);
      await delay(50);
    }
  });
  return seconds;
}

async function theirs({ client, pool, draft }: Sides, count: number): Promise<number> {
  const ids = Array.from({ length: count }, () => uuidv7());
  const { seconds } = await timed(async () => {
    await pool.query(
      `insert into jobs (id, tenant_id, job_type, payload, workflow_id)
       select id, $2, 'tile_generation', '{}', id::text from unnest($1::uuid[]) as id`,
      [ids, draft.tenant_id],
    );
    await client.workflow.execute("bareGroup", { workflowId: `bare-${uuidv7()}`, taskQueue: "bare", args: [ids] });
  });
  return seconds;
}
