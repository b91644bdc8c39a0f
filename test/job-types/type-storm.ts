/** Jobs of every type but publish, which has a storm of its own (test/chaos/storm), while what they run on dies, time and again. */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { query, queryOne } from "../../src/db.ts";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import { createRandom, type Random } from "../chaos/storm/random.ts";
import { createChaosRoom, expectSoundLedger, type ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { play, WORKER, type Played } from "../support/job-samples/play.ts";
import { workflowStatus } from "../support/operator.ts";
import { startOwnPostgres, startOwnTemporal } from "../support/own-servers.ts";
import { jobRow, until } from "../support/publishing.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

const PAUSE_MS = [100, 700] as const;
const OUTAGE_MS = [200, 1_500] as const;
/** What Temporal had given out when it died is given out again after 10 s, each time. */
const CALM_MS = 120_000;

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let temporal: Awaited<ReturnType<typeof startOwnTemporal>>;
let room: ChaosRoom;
const workers: WorkerProcess[] = [];

export async function openStorm(): Promise<void> {
  [postgres, temporal] = await Promise.all([startOwnPostgres(), startOwnTemporal()]);
  room = await createChaosRoom({ database: postgres, temporal });
  room.reconcile(500);
  workers.push(await room.worker(WORKER), await room.worker(WORKER));
}

export const closeStorm = (): Promise<void> | undefined => room?.close();

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
    // Not always with 0: what it works for may have been away.
    await workers[at]?.stop();
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

/** `each`: jobs of each type. `rounds`: how often each fault is thrown. They are all done, each once and in full, with every event told. */
export async function rageOverTypes({ each, rounds }: { each: number; rounds: number }): Promise<void> {
  const random = createRandom();
  console.log(`the storm over all types: CHAOS_SEED=${random.seed}`);
  const types = Object.keys(SAMPLES) as (keyof typeof SAMPLES)[];
  const waiting = random.shuffle(Array.from({ length: each }, () => types).flat());
  const faults = Array.from({ length: rounds }, () => random.shuffle(Object.entries(FAULTS))).flat();
  const played: (Played & { type: keyof typeof SAMPLES })[] = [];
  // Each fault meets some that have just begun, and what is left of those before it.
  let met = 0;
  const share = Math.ceil(waiting.length / faults.length);
  for (const [name, fault] of faults) {
    for (const type of waiting.splice(0, share))
      played.push({ type, ...(await insist(() => play(room, SAMPLES[type]))) });
    await delay(random.between(...PAUSE_MS));
    const open = await underWay();
    met += open;
    await fault(random);
    console.log(`${name}, with ${open} of ${played.length} jobs under way`);
  }
  expect(waiting).toEqual([]);
  expect(met).toBeGreaterThan(0);

  const calm = Date.now() + CALM_MS;
  for (const { type, job, draft } of played) {
    const row = await until(
      `${type} ${job} to end`,
      async () => {
        const found = await insist(() => jobRow(room, job));
        return isFinal(found.status) && found;
      },
      Math.max(1_000, calm - Date.now()),
    );
    const { status, error_code, message } = row;
    expect({ type, status, error_code, message }).toEqual({
      ...{ type, status: expect.stringMatching(/completed$/), error_code: null, message },
    });
    await insist(() => SAMPLES[type].expectDone(room, draft, row.result ?? {}));
    await insist(() => expectSoundLedger(room, job, [status]));
    await until("its workflow to close", async () => (await workflowStatus(room, job)) === "COMPLETED");
  }
  // Those too whose beginning failed half-way, so that it was begun once more, and members of groups.
  const all = await insist(() =>
    query<{ id: string; status: JobStatus }>(room.database.em.fork(), `select id, status from jobs`),
  );
  expect(all.length).toBeGreaterThanOrEqual(played.length);
  for (const { id } of all) {
    const { status } = await room.ended(id, CALM_MS);
    expect(status, id).toMatch(/completed$/);
    await expectSoundLedger(room, id, [status]);
  }
}

async function underWay(): Promise<number> {
  const sql = `select count(*)::int as count from jobs where status in ('queued', 'running')`;
  return (await insist(() => queryOne<{ count: number }>(room.database.em.fork(), sql)))?.count ?? 0;
}

/** Each connection of ours that was reset or cut fails once, too. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 20) throw error;
      await delay(100);
    }
  }
}
