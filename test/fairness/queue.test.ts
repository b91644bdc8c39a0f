/** How a queue shares its slots, on the real server: the urgent first, and between tenants in turn. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { taskQueue } from "../../src/temporal.ts";
import { startBulkWorker, type BulkWorker } from "../support/bulk-worker.ts";
import { createPublishing, until, type Publishing } from "../support/publishing.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing();
});
let started = 0;
let stop = async (): Promise<void> => {};
afterEach(() => stop());
afterAll(() => room?.close());

/** Of an activity that has been let go: Temporal reads what it has queued into memory a moment later, and jobs of no length are over by then. */
const JOB_MS = 50;

/** A worker whose activities stand until they are let go, one after the other. */
async function standing(slots: number): Promise<BulkWorker & { letGo(): void }> {
  await stop();
  started = 0;
  let gate = Promise.withResolvers<void>();
  const worker = await startBulkWorker(room, { slots, work: () => gate.promise.then(() => delay(JOB_MS)) });
  stop = async () => {
    gate.resolve();
    stop = async () => {};
    await worker.stop();
  };
  return {
    ...worker,
    letGo() {
      gate.resolve();
      gate = { ...gate, promise: Promise.resolve() };
    },
  };
}

/** Activities that the queue holds. A workflow's history has its activity a while before the queue has it. */
async function queued(): Promise<number> {
  const name = taskQueue("maintenance", room.temporal.taskQueuePrefix);
  const { stats } = await room.temporal.client.workflowService.describeTaskQueue({
    ...{ namespace: room.temporal.client.options.namespace, taskQueue: { name } },
    ...{ taskQueueType: 2, reportStats: true },
  });
  return Number(stats?.approximateBacklogCount ?? 0);
}

/** Starts them one after the other, so that their order is known; over once the queue holds `more` of them than before. */
async function startAll(worker: BulkWorker, tenant: string, count: number, priority?: number): Promise<string[]> {
  const jobs: string[] = [];
  for (let number = 0; number < count; number += 1) jobs.push(await worker.start(tenant, priority));
  started += count;
  await until("the activities to be queued", async () => (await queued()) + worker.begun.length === started, 15_000);
  return jobs;
}

const placeOf = (worker: BulkWorker, job: string): number => worker.begun.findIndex((one) => one.job === job);

describe("a queue whose jobs wait for a slot", { timeout: 120_000 }, () => {
  it("gives activities the priority and the tenant of their job", async () => {
    const worker = await standing(1);
    worker.letGo();
    const job = await worker.start("harbour", 2);
    await until("it to begin", async () => placeOf(worker, job) >= 0);
    expect(worker.begun[0]?.priority).toMatchObject({ priorityKey: 2, fairnessKey: "harbour" });
  });

  it.each([1, 3])(
    "with %i slot(s) lets a tenant's first wait for one activity per slot, behind 60 of another's",
    async (slots) => {
      const worker = await standing(slots);
      await startAll(worker, "harbour", 60);
      const at = worker.begun.length;
      expect(at).toBe(slots);
      const [first = ""] = await startAll(worker, "island", 1);
      worker.letGo();
      await until("all to begin", async () => worker.begun.length === 61, 15_000);
      // Those that stood in the slots, and at most as many as the worker had asked for meanwhile.
      expect(placeOf(worker, first)).toBeLessThanOrEqual(at + slots);
    },
  );

  it("shares the slots in turn while both wait", async () => {
    const worker = await standing(1);
    await startAll(worker, "harbour", 30);
    await startAll(worker, "island", 10);
    worker.letGo();
    await until("all to begin", async () => worker.begun.length === 40, 15_000);
    const places = worker.begun.flatMap(({ tenant }, place) => (tenant === "island" ? [place] : []));
    // Every other one, but for the one that the worker had asked for before.
    expect(places.length).toBe(10);
    for (const [index, place] of places.entries()) expect(place).toBeLessThanOrEqual(2 * index + 3);
  });

  it("lets priority 1 overtake priority 5", async () => {
    const worker = await standing(1);
    await startAll(worker, "harbour", 30, 5);
    const at = worker.begun.length;
    const urgent = await startAll(worker, "harbour", 3, 1);
    worker.letGo();
    await until("all to begin", async () => worker.begun.length === 33, 15_000);
    // At most the one that the worker had asked for before comes first. Which of the three is in the queue first, their workflows decide.
    const places = urgent.map((job) => placeOf(worker, job)).toSorted((one, other) => one - other);
    for (const [index, place] of places.entries()) expect(place).toBeLessThanOrEqual(at + index + 1);
  });
});
