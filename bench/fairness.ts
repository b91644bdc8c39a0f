/**
 * How long does a tenant wait for its first jobs when another has a thousand in the queue?
 *
 * Ours: 1,000 bulk jobs of one tenant stand in the queue, its first in all slots; then 10 of another are started, and the slots are let go.
 * The second tenant's median wait, from the start of a job to that of its work, less what it is with nobody else there. Theirs: one job's
 * length. Started by the product's own start (priority 3, the tenant as fairness key), with the options of its activities (no eager
 * dispatch), on its worker's slots, by its settings of Temporal's server.
 */
import { join } from "node:path";
import { Connection, Client } from "@temporalio/client";
import { v7 as uuidv7 } from "uuid";
import { workflowId } from "../contract/workflow-id.ts";
import { startTemporal } from "../src/dev/temporal.ts";
import { inParallel } from "../src/storage/in-parallel.ts";
import { createExecutions } from "../src/temporal.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { startProcess, type BenchProcess } from "./support/child-process.ts";
import { monotonicMs } from "./support/clock.ts";
import { median, round } from "./support/turns.ts";

const MANY = 1_000;
const FEW = 10;
const JOB_MS = 1_000;
const PRIORITY = 3;
const AT_A_TIME = 16;

interface Side {
  client: Client;
  worker: BenchProcess;
  /** Answers the job's id and when it was asked for. */
  start(tenant: string): Promise<Started>;
}

interface Started {
  id: string;
  at: number;
}

export const fairness: Bench = {
  name: "fairness",
  question: "How much longer does a tenant wait for its jobs behind 1,000 of another tenant, against one job's length?",
  unit: "s",
  goal: { at_most: 2 },
  async run(room) {
    const side = await startSide(room);
    const slots = await side.worker.ask<number>("slots");
    const idle: number[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      idle.push(...(await waits(side, await startJobs(side, `alone-${turn}`, FEW))));
    }
    room.tell(`idle: median wait ${(median(idle) / 1_000).toFixed(3)} s`);
    await side.worker.ask("close");
    const many = await startJobs(side, "many", MANY);
    await untilQueued(side, many);
    room.tell(`${MANY} jobs of the first tenant are queued, ${slots} of them in the slots`);
    const few = await startJobs(side, "few", FEW);
    await untilQueued(side, few);
    const opened = monotonicMs();
    await side.worker.ask("open");
    // What the bench itself kept them waiting does not count.
    const loaded = await waits(
      side,
      few.map(({ id, at }) => ({ id, at: Math.max(at, opened) })),
    );
    room.tell(`behind them: median wait ${(median(loaded) / 1_000).toFixed(3)} s`);
    const first = await side.worker.ask<Map<string, number>>("begun");
    const before = many.filter(
      ({ id }) => (first.get(id) ?? Infinity) < Math.max(...few.map((job) => first.get(job.id) ?? 0)),
    );
    return {
      ours: (median(loaded) - median(idle)) / 1_000,
      theirs: JOB_MS / 1_000,
      details: {
        ...{ jobs_of_the_first: MANY, jobs_of_the_second: FEW, job_seconds: JOB_MS / 1_000, slots },
        settings: {
          priority_key: PRIORITY,
          fairness_key: "tenant",
          eager_activities: false,
          server: "temporal-config/dynamic-config.json",
        },
        idle_wait_seconds: described(idle),
        wait_seconds: described(loaded),
        of_the_first_before_the_last_of_the_second: before.length,
      },
    };
  },
};

const described = (ms: number[]) => ({
  median: round(median(ms) / 1_000),
  longest: round(Math.max(...ms) / 1_000),
});

async function startSide(room: BenchRoom): Promise<Side> {
  const temporal = await startTemporal({
    file: join(room.folder, "temporal.db"),
    log: join(room.folder, "temporal.log"),
  });
  room.onEnd(() => temporal.stop());
  const worker = startProcess(room, {
    name: "worker",
    program: "fairness/worker.ts",
    args: [temporal.address, String(JOB_MS)],
  });
  const connection = await Connection.connect({ address: temporal.address });
  room.onEnd(() => connection.close());
  const client = new Client({ connection, namespace: temporal.namespace });
  const executions = createExecutions(client, { taskQueuePrefix: "", deadlineMs: 60_000 });
  return {
    ...{ client, worker },
    async start(tenant) {
      const id = uuidv7();
      const input = {
        job_id: id,
        generation: 1,
        tenant,
        project: null,
        version: null,
        environment: null,
        started_by: "bench",
      };
      const at = monotonicMs();
      const workflow_id = workflowId("maintenance", id);
      await executions.start({ job_type: "maintenance", workflow_id, title: null, priority: PRIORITY, input });
      return { id, at };
    },
  };
}

async function startJobs({ start }: Side, tenant: string, count: number): Promise<Started[]> {
  const started: Started[] = [];
  await inParallel(Array.from({ length: count }), { atATime: AT_A_TIME }, async () => {
    started.push(await start(tenant));
  });
  return started;
}

/** Milliseconds that each waited for its work to begin. */
async function waits({ worker }: Side, jobs: Started[]): Promise<number[]> {
  for (;;) {
    const begun = await worker.ask<Map<string, number>>("begun");
    const found = jobs.flatMap(({ id, at }) => (begun.has(id) ? [(begun.get(id) ?? 0) - at] : []));
    if (found.length === jobs.length) return found;
    await new Promise((next) => setTimeout(next, 100));
  }
}

/** Until the activity of each is in the queue, or in a slot. */
async function untilQueued({ client }: Side, jobs: Started[]): Promise<void> {
  let left = jobs;
  while (left.length > 0) {
    const waiting: Started[] = [];
    await inParallel(left, { atATime: AT_A_TIME }, async (job) => {
      const { raw } = await client.workflow.getHandle(workflowId("maintenance", job.id)).describe();
      if ((raw.pendingActivities ?? []).length === 0) waiting.push(job);
    });
    left = waiting;
    if (left.length > 0) await new Promise((next) => setTimeout(next, 200));
  }
}
