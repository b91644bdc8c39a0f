/**
 * What does it cost those who write that watchers are told?
 *
 * 16 writers, each on a connection of its own, append one event after the other to a ledger of their own: one statement, one commit.
 * Theirs: nobody is told. Ours: the product's notifier is told of each commit, and beside it the product's mirror writes the progress
 * of 100 other jobs that report ten times a second each, with its own NOTIFY. Three connections of another process listen, on both
 * sides. For comparison: the notifier with other ticks, and one NOTIFY per event, in the transaction that writes it.
 */
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { JOBS_CHANNEL } from "../contract/messages.ts";
import { createDatabase, query, type Database } from "../src/db.ts";
import { startChild, untilReady } from "../src/dev/child.ts";
import { ensureDatabase } from "../src/dev/database-store.ts";
import { migrate } from "../src/dev/migrate.ts";
import { startPostgres } from "../src/dev/postgres.ts";
import { createJobNotifier } from "../src/jobs/job-notifier.ts";
import { writeJob } from "../src/jobs/job-writes-store.ts";
import { createProgressMirror } from "../src/jobs/progress-mirror.ts";
import { createLog } from "../src/log.ts";
import { NOTIFY_TICK_MS } from "../src/worker/create-worker.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { insertJobs } from "./support/jobs.ts";
import { inTurns, median, round, summary } from "./support/turns.ts";

/** Many and short: what else the machine does meets both sides alike. */
const ROUNDS = 15;
const OTHER_ROUNDS = 5;
const ROUND_MS = 2_000;
const WARM_UP_MS = 3_000;
const WRITERS = 16;
const REPORTING = 100;
const MIRROR_TICK_MS = 100;
const OTHER_TICKS = [2, 5, 20, 100];

interface Table {
  /** The writers'. */
  database: Database;
  /** Of the worker that notifies and mirrors. */
  worker: Database;
  writing: string[];
  reporting: string[];
}

/** Sets up what tells; answers what a writer calls behind its commit, and how to end it. */
type Telling = (table: Table) => Promise<{ committed(job: string): void; end(): Promise<void> }>;

export const notifyTax: Bench = {
  name: "notify-tax",
  question: "How many commits of 16 writers are left when watchers are told of them, against none being told?",
  unit: "commits/s",
  goal: { at_least: 0.9 },
  async run(room) {
    const table = await prepare(room);
    room.tell("warming up");
    for (const telling of [nobody, product(NOTIFY_TICK_MS)]) await oneRound(table, telling, WARM_UP_MS);
    const turns = await inTurns(ROUNDS, {
      ours: async () => told(room, "product", await oneRound(table, product(NOTIFY_TICK_MS), ROUND_MS)),
      theirs: async () => told(room, "nobody", await oneRound(table, nobody, ROUND_MS)),
    });
    return {
      ours: median(turns.ours),
      theirs: median(turns.theirs),
      details: {
        ...{ writers: WRITERS, listeners: 3, jobs_that_report: REPORTING, reports_a_second_each: 10 },
        notifier_tick_ms: NOTIFY_TICK_MS,
        ours: summary(turns.ours),
        theirs: summary(turns.theirs),
        ratio_of_each_round: summary(turns.ours.map((rate, at) => rate / (turns.theirs[at] ?? Number.NaN))),
        others_to_nobody: await others(room, table),
      },
    };
  },
};

/** Each beside rounds of its own in which nobody is told. */
async function others(room: BenchRoom, table: Table): Promise<Record<string, number>> {
  const sides: Record<string, Telling> = {
    ...Object.fromEntries(OTHER_TICKS.map((tick) => [`tick_${tick}_ms`, product(tick)])),
    each_event: inEachTransaction,
  };
  const ratios: Record<string, number> = {};
  for (const [side, telling] of Object.entries(sides)) {
    const turns = await inTurns(OTHER_ROUNDS, {
      ours: async () => told(room, side, await oneRound(table, telling, ROUND_MS)),
      theirs: async () => told(room, "nobody", await oneRound(table, nobody, ROUND_MS)),
    });
    ratios[side] = round(median(turns.ours) / median(turns.theirs));
  }
  return ratios;
}

function told(room: BenchRoom, side: string, rate: number): number {
  room.tell(`${side.padEnd(12)} ${rate.toFixed(0)} commits/s`);
  return rate;
}

async function prepare(room: BenchRoom): Promise<Table> {
  const server = await startPostgres({
    ...{ dataDir: join(room.folder, "postgres"), log: join(room.folder, "postgres.log"), durable: true },
  });
  room.onEnd(() => server.stop());
  await ensureDatabase(server.url(), "platen");
  const url = server.url("platen");
  await migrate(url);
  const [database, worker] = [await createDatabase({ url, pool: WRITERS }), await createDatabase({ url, pool: 4 })];
  room.onEnd(async () => {
    await database.close();
    await worker.close();
  });
  const log = join(room.folder, "listeners.log");
  const listeners = await startChild({
    ...{ name: "listeners", command: process.execPath, log, env: {}, stopSignal: "SIGTERM" as const },
    args: [fileURLToPath(new URL("notify-tax/listen.ts", import.meta.url)), url],
  });
  room.onEnd(() => listeners.stop(1_000));
  await untilReady(listeners, 30_000, async () => (await readFile(log, "utf8")).includes("listening"));
  const [writing, reporting] = [
    await insertJobs(database, { count: WRITERS, status: "running" }),
    await insertJobs(database, { count: REPORTING, status: "running" }),
  ];
  await prepareTrigger(database);
  return { database, worker, writing, reporting };
}

/** As the product's worker has it. */
function product(tickMs: number): Telling {
  return async ({ worker: database, reporting }) => {
    const log = createLog("bench", "error");
    const notifier = createJobNotifier({ database, log, tickMs });
    const mirror = createProgressMirror({ database, log, tickMs: MIRROR_TICK_MS });
    // Report numbers grow for as long as the bench takes.
    let report = Date.now() % 1e9;
    const timer = setInterval(() => {
      report += 1;
      for (const job_id of reporting)
        mirror.report({ job_id, generation: 1, attempt_at: 0, report, progress: report % 100, message: `${report}` });
    }, 100);
    return {
      committed: (job) => notifier.touch(job),
      async end() {
        clearInterval(timer);
        await mirror.stop();
        await notifier.stop();
      },
    };
  };
}

async function prepareTrigger(database: Database): Promise<void> {
  const db = database.em.fork();
  await query(
    db,
    `create function tell() returns trigger language plpgsql as
     $$ begin perform pg_notify('${JOBS_CHANNEL}', new.job_id::text); return null; end $$`,
  );
  await query(db, `create trigger tell after insert on job_events for each row execute function tell()`);
  await query(db, `alter table job_events disable trigger tell`);
}

const nobody: Telling = async () => ({ committed: () => undefined, end: async () => undefined });

const inEachTransaction: Telling = async ({ database }) => {
  const db = database.em.fork();
  await query(db, `alter table job_events enable trigger tell`);
  return {
    committed: () => undefined,
    end: async () => void (await query(db, `alter table job_events disable trigger tell`)),
  };
};

/** Commits a second of all writers together. */
async function oneRound(table: Table, telling: Telling, ms: number): Promise<number> {
  const { committed, end } = await telling(table);
  const began = performance.now();
  let commits = 0;
  const write = async (job: string): Promise<void> => {
    while (performance.now() < began + ms) {
      const event = { kind: "log" as const, data: { level: "info", message: `entry ${commits}` } };
      await writeJob(table.database.em.fork(), job, { last_activity_at: "now" }, [event]);
      committed(job);
      commits += 1;
    }
  };
  await Promise.all(table.writing.map(write));
  const rate = commits / ((performance.now() - began) / 1_000);
  await end();
  return rate;
}
