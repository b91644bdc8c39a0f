/**
 * How much of the bare metal's speed is left with everything that a publish promises?
 *
 * Ours: POST over HTTP to the gateway, 16 at a time, until the gateway says of every job that it is completed.
 * Theirs: one row inserted and one bare workflow started by a Temporal client, 16 at a time, until each has its result. Its five
 * activities write the same rows and put the same objects (bench/bare), with the same store, durability, Temporal server,
 * PostgreSQL server and worker settings. Each side publishes projects of its own, each once.
 */
import { join } from "node:path";
import { inParallel } from "../src/storage/in-parallel.ts";
import { bareClient, startBareWorker, type BareClient } from "./support/bare-side.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { cpuSeconds } from "./support/cpu.ts";
import { besideDatabase, counters, openDatabase, type BenchDatabase } from "./support/database.ts";
import { publishClient } from "./support/publish-over-http.ts";
import { makeSmallDrafts, TINY_OVERLAYS, type SmallDraft } from "./support/small-drafts.ts";
import { startStack, type BenchStack } from "./support/stack.ts";
import { inTurns, median, round, summary, timed } from "./support/turns.ts";

/** 200 publishes a side, in rounds that are long enough to run level. */
const ROUNDS = 4;
const PUBLISHES = 50;
const WARM_UP = 20;
const AT_A_TIME = 16;

interface Side {
  database: BenchDatabase;
  /** Processes at work. */
  pids: Record<string, number>;
  /** Those that are still to be published. */
  drafts: SmallDraft[];
  /** Answers when the publish is accepted. */
  start(draft: SmallDraft): Promise<string>;
  /** Resolves when it is completed. */
  untilCompleted(id: string): Promise<unknown>;
}

interface Round {
  per_second: number;
  /** Of PostgreSQL, per publish. */
  flushes: number;
  transactions: number;
  /** CPU milliseconds per publish, by process. */
  cpu: Record<string, number>;
}

export const publishThroughput: Bench = {
  name: "publish-throughput",
  question: "How many publishes of a tiny project a second, against a bare workflow with the same writes?",
  unit: "publishes/s",
  goal: { at_least: 0.7 },
  async run(room) {
    const stack = await startStack(room);
    const ours = await ourSide(room, stack);
    const { bare, theirs } = await bareSide(room, stack);
    const nothing = { ...theirs, start: (draft: SmallDraft) => bare.startNothing(draft) };
    room.tell("warming up");
    for (const side of [ours, theirs]) await publishAll(side, side.drafts.splice(0, WARM_UP));
    const empty: number[] = [];
    const turns = await inTurns(ROUNDS, {
      ours: async () => told(room, "ours", await oneRound(ours, ours.drafts.splice(0, PUBLISHES))),
      async theirs() {
        const drafts = theirs.drafts.splice(0, PUBLISHES);
        const found = told(room, "theirs", await oneRound(theirs, drafts));
        empty.push((await oneRound(nothing, drafts)).per_second);
        return found;
      },
    });
    const speed = (rounds: Round[]): number => median(rounds.map((each) => each.per_second));
    return {
      ours: speed(turns.ours),
      theirs: speed(turns.theirs),
      details: {
        publishes_a_side: ROUNDS * PUBLISHES,
        at_a_time: AT_A_TIME,
        draft: { tiles: 4, overlays: TINY_OVERLAYS },
        ours: described(turns.ours),
        theirs: described(turns.theirs),
        five_empty_activities: summary(empty),
        ratio_to_five_empty_activities: round(speed(turns.ours) / median(empty)),
      },
    };
  },
};

function described(rounds: Round[]): Record<string, unknown> {
  return {
    ...summary(rounds.map((each) => each.per_second)),
    postgres_transactions_per_publish: round(median(rounds.map((each) => each.transactions))),
    postgres_log_flushes_per_publish: round(median(rounds.map((each) => each.flushes))),
    cpu_ms_per_publish: Object.fromEntries(
      Object.keys(rounds[0]?.cpu ?? {}).map((name) => [name, round(median(rounds.map((each) => each.cpu[name] ?? 0)))]),
    ),
  };
}

function told(room: BenchRoom, side: string, found: Round): Round {
  room.tell(`${side.padEnd(6)} ${found.per_second.toFixed(2)} publishes/s`);
  return found;
}

async function oneRound(side: Side, drafts: SmallDraft[]): Promise<Round> {
  const each = (all: number): number => all / drafts.length;
  const [before, cpuBefore] = [await counters(side.database), await cpuSeconds(side.pids)];
  const { seconds } = await timed(() => publishAll(side, drafts));
  const [after, cpuAfter] = [await counters(side.database), await cpuSeconds(side.pids)];
  return {
    per_second: drafts.length / seconds,
    flushes: each(after.flushes - before.flushes),
    transactions: each(after.transactions - before.transactions),
    cpu: Object.fromEntries(
      Object.entries(cpuAfter).map(([name, until]) => [name, each(until - (cpuBefore[name] ?? 0)) * 1_000]),
    ),
  };
}

/** One after the other is asked whether it is completed: asking after all of them at once would be work that nobody does. */
async function publishAll(side: Side, drafts: SmallDraft[]): Promise<void> {
  let completed: Promise<unknown> = Promise.resolve();
  await inParallel(drafts, { atATime: AT_A_TIME }, async (draft) => {
    const id = await side.start(draft);
    completed = completed.then(() => side.untilCompleted(id));
    completed.catch(() => undefined); // told below
  });
  await completed;
}

async function ourSide(room: BenchRoom, stack: BenchStack): Promise<Side> {
  const database = await openDatabase(room, stack.database);
  const drafts = await makeSmallDrafts({ ...database, store: stack.store, count: WARM_UP + ROUNDS * PUBLISHES });
  const client = publishClient(stack);
  return {
    ...{ database, drafts, pids: { ...shared(stack), gateway: stack.gateway_pid, worker: stack.worker_pid } },
    start: ({ project }) => client.publish(project),
    untilCompleted: (job) => client.untilCompleted(job),
  };
}

async function bareSide(room: BenchRoom, stack: BenchStack): Promise<{ theirs: Side; bare: BareClient }> {
  const database = await besideDatabase(room, stack.database, "bare");
  const place = { database: database.url, store: join(room.folder, "bare-store") };
  const drafts = await makeSmallDrafts({
    database: database.database,
    store: place.store,
    count: WARM_UP + ROUNDS * PUBLISHES,
  });
  const worker = await startBareWorker(room, stack, place);
  const bare = await bareClient(room, stack, { database: place.database, connections: AT_A_TIME });
  const { startPublish: start, untilCompleted } = bare;
  return { bare, theirs: { database, drafts, pids: { ...shared(stack), worker }, start, untilCompleted } };
}

/** Servers of both sides. */
function shared({ pids }: BenchStack): Record<string, number> {
  const { postgres = 0, temporal = 0 } = pids;
  return { postgres, temporal };
}
