import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { createExecutions } from "../../src/temporal.ts";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  messages,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { jobRow, ledger, queueJob, type Draft } from "../support/publishing.ts";
import type { PointerRecorder } from "../support/pointer-recorder.ts";

/** The heartbeat timeout is 10 s; the rest is for a busy machine. */
const TAKEOVER_MS = 40_000;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

describe("a frozen worker that wakes up after a newer publish went live", { timeout: 90_000 }, () => {
  it.each([
    { where: "before the switch", moment: "mark_published" as const },
    { where: "between switch and pointer", moment: "switched" as const },
  ])("changes nothing, frozen $where", async ({ moment }) => {
    const frozen = await room.worker({ concurrency: 1 });
    const draft = await room.draft();
    const recorder = room.record(draft);
    const { job, gate } = await room.publishUpTo(draft, moment);
    await frozen.freeze();
    await gate.open();
    expect(await recorder.served()).toEqual([]);

    await room.worker();
    expect(await room.ended(job, TAKEOVER_MS)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
    expect(await recorder.served()).toEqual([1]);
    const newer = await publishNewer(draft);
    expect(await recorder.served()).toEqual([1, 2]);
    const before = await everything(job, newer.job, recorder);

    frozen.thaw();
    // Told to drain, it ends its activity first: then all that it had left to do is done.
    expect(await frozen.stop()).toBe(0);
    expect(await everything(job, newer.job, recorder)).toEqual(before);
    await expectReleasedOnce(room, draft, [job]);
    const release_id = await expectReleasedOnce(room, newer.draft, [newer.job]);
    for (const each of [job, newer.job]) await expectSoundLedger(room, each, ["completed"]);
    expect(await guardOf(room, draft)).toBeNull();
    expect(await recorder.served()).toEqual([1, 2]);
    expect(await recorder.copy()).toEqual({ epoch: 2, release_id });
    expect((await messages(room, job)).filter((message) => message.startsWith("Switched"))).toHaveLength(1);
  });
});

describe("a worker frozen inside a transaction", { timeout: 90_000 }, () => {
  it("does not hold the job's row for ever: PostgreSQL ends its transaction and another worker goes on", async () => {
    const frozen = await room.worker({ concurrency: 1 });
    const draft = await room.draft();
    const recorder = room.record(draft);
    const job = await room.publish(draft, { start: false });
    const release = await room.gates.lockGuard(job);
    await startJob(room.deps, job, 1);
    await room.gates.somebodyWaits("publish_guards");
    await frozen.freeze();
    await release();

    const since = Date.now();
    const other = await room.worker();
    expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
    console.log(`frozen inside the switch: completed after ${((Date.now() - since) / 1_000).toFixed(1)} s`);
    const row = await jobRow(room, job);
    await other.kill();
    frozen.thaw();
    // One activity at a time: it runs the next only once it has noticed, by PostgreSQL's refusal or by Temporal's, and is sound again.
    const next = await room.publish(await room.draft());
    expect(await room.ended(next, 60_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
    expect(await frozen.stop()).toBe(0);
    expect(await jobRow(room, job)).toEqual(row);
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
    expect(await recorder.served()).toEqual([1]);
  });
});

/** The next version of the project, by a worker on a queue of its own: the frozen one still has polls that swallow tasks. */
async function publishNewer(draft: Draft): Promise<{ draft: Draft; job: string }> {
  const taskQueuePrefix = `${room.temporal.taskQueuePrefix}newer-`;
  await room.worker({ taskQueuePrefix });
  const newer = await room.draft({ project: draft });
  const job = await queueJob(room, newer);
  const executions = createExecutions(room.temporal.client, { taskQueuePrefix });
  await startJob({ ...room.deps, executions }, job, 1);
  expect(await room.ended(job)).toMatchObject({ status: "completed", epoch: 2 });
  return { draft: newer, job };
}

/** All that a late write could change. */
async function everything(older: string, newer: string, recorder: PointerRecorder) {
  const rows = await Promise.all([older, newer].map((job) => jobRow(room, job)));
  const ledgers = await Promise.all([older, newer].map((job) => ledger(room, job)));
  return { rows, ledgers, served: await recorder.served(), copy: await recorder.copy() };
}
