/** Jobs of every type but publish, which has a storm of its own (test/chaos/storm), while what they run on dies, time and again. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFinal } from "../../contract/job-state.ts";
import { createRandom, type Random } from "../chaos/storm/random.ts";
import { createChaosRoom, expectSoundLedger, type ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { play, WORKER, type Played } from "../support/job-samples/play.ts";
import { workflowStatus } from "../support/operator.ts";
import { startOwnPostgres, startOwnTemporal } from "../support/own-servers.ts";
import { jobRow, until } from "../support/publishing.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

/** Jobs of each type. */
const EACH = 3;
const RAGE_MS = 25_000;
const PAUSE_MS = [300, 1_500] as const;
const OUTAGE_MS = [200, 1_500] as const;
/** What Temporal had given out when it died is given out again after 10 s, each time. */
const CALM_MS = 120_000;

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let temporal: Awaited<ReturnType<typeof startOwnTemporal>>;
let room: ChaosRoom;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  [postgres, temporal] = await Promise.all([startOwnPostgres(), startOwnTemporal()]);
  room = await createChaosRoom({ database: postgres, temporal });
  room.reconcile(500);
  workers.push(await room.worker(WORKER), await room.worker(WORKER));
});
afterAll(() => room?.close());

type Fault = (random: Random) => Promise<unknown>;

/** One after the other: who comes back needs the others. */
const FAULTS: Record<string, Fault> = {
  async "worker kill -9"(random) {
    const at = random.between(0, workers.length - 1);
    await workers[at]?.kill();
    workers[at] = await room.worker(WORKER);
  },
  async "worker SIGTERM"(random) {
    const at = random.between(0, workers.length - 1);
    expect(await workers[at]?.stop()).toBe(0);
    workers[at] = await room.worker(WORKER);
  },
  async "PostgreSQL stopped at once"(random) {
    await postgres.crash();
    await delay(random.between(...OUTAGE_MS));
    await postgres.restart();
  },
  "PostgreSQL's connections reset": async () => postgres.proxy.reset(),
  async "Temporal kill -9"(random) {
    await temporal.crash();
    await delay(random.between(...OUTAGE_MS));
    await temporal.restart();
  },
  "Temporal's connections reset": async () => temporal.proxy.reset(),
};

describe("jobs of every type in a storm", { timeout: RAGE_MS + CALM_MS + 60_000 }, () => {
  it("are all done, each once and in full, with every event told", async () => {
    const random = createRandom();
    console.log(`the storm over all types: CHAOS_SEED=${random.seed}`);
    const played: (Played & { type: keyof typeof SAMPLES })[] = [];
    const types = Object.keys(SAMPLES) as (keyof typeof SAMPLES)[];
    for (const type of random.shuffle(Array.from({ length: EACH }, () => types).flat()))
      played.push({ type, ...(await play(room, SAMPLES[type])) });

    const thrown = new Map<string, number>();
    const end = Date.now() + RAGE_MS;
    while (Date.now() < end)
      for (const [name, fault] of random.shuffle(Object.entries(FAULTS))) {
        await delay(random.between(...PAUSE_MS));
        await fault(random);
        thrown.set(name, (thrown.get(name) ?? 0) + 1);
      }
    console.log(`${played.length} jobs; ${[...thrown].map(([name, count]) => `${count} × ${name}`).join(", ")}`);

    const calm = Date.now() + CALM_MS;
    for (const { type, job, draft } of played) {
      const row = await until(
        `${type} ${job} to end`,
        async () => {
          // A connection that was reset fails once.
          const found = await jobRow(room, job).catch(() => null);
          return found && isFinal(found.status) && found;
        },
        Math.max(1_000, calm - Date.now()),
      );
      const { status, error_code, message } = row;
      expect({ type, status, error_code, message }).toEqual({
        ...{ type, status: expect.stringMatching(/completed$/), error_code: null, message },
      });
      await SAMPLES[type].expectDone(room, draft, row.result ?? {});
      await expectSoundLedger(room, job, [status]);
      await until("its workflow to close", async () => (await workflowStatus(room, job)) === "COMPLETED");
    }
  });
});
