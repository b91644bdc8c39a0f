import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  messages,
  publicTile,
  sourceTile,
  type ChaosRoom,
  type Moment,
} from "../support/chaos-room.ts";
import { pendingActivity } from "../support/operator.ts";
import { jobRow, until, type Draft } from "../support/publishing.ts";
import { HELD_WORKER, holdBack, makeStuck } from "../support/stuck-file.ts";
import type { PointerRecorder } from "../support/pointer-recorder.ts";

/** The heartbeat timeout is 10 s; the rest is for a busy machine. */
const TAKEOVER_MS = 40_000;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

describe("kill -9 of the worker", { timeout: 90_000 }, () => {
  it("loses nothing, whatever each of its jobs was doing: another worker goes on where they were", async () => {
    const worker = await room.worker();
    const generating = await victim("generate_release");
    const uploading = await victim("upload");
    const verifying = await victim("verify_tiles");
    const switched = await victim("switched");
    const stuck = [
      await makeStuck(await sourceTile(room, uploading.draft, 130)),
      await makeStuck(await publicTile(room, verifying.draft, 130)),
    ];
    for (const job of [uploading, verifying]) {
      await job.gate.open();
      await until("the heartbeat to tell of 128 tiles", async () => {
        const pending = await pendingActivity(room, job.job);
        return JSON.stringify(pending?.heartbeat?.resume ?? {}).includes('"index":128');
      });
    }

    await worker.kill();
    const killedAt = Date.now();
    for (const file of stuck) await file.restore();
    // What it had sent to PostgreSQL is committed without it.
    for (const job of [generating, switched]) await job.gate.open();
    expect(await jobRow(room, switched.job)).toMatchObject({ status: "running", epoch: 1 });
    const victims = [generating, uploading, verifying, switched];
    for (const { recorder } of victims) expect(await recorder.served()).toEqual([]);

    await room.worker();
    for (const { job, draft, recorder } of victims) {
      expect(await room.ended(job, TAKEOVER_MS)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      await expectCompletedOnce(draft, job, recorder);
    }
    console.log(`kill -9: all four jobs completed after ${seconds(killedAt)} s`);
    for (const { job } of [uploading, verifying]) {
      expect(await messages(room, job)).toContainEqual(expect.stringContaining("Resuming at tile 129 of"));
    }
  });

  it("is noticed within the heartbeat timeout", async () => {
    const worker = await room.worker();
    const { job, gate } = await victim("generate_release");
    await worker.kill();
    const killedAt = Date.now();
    await gate.open();
    await until("the next attempt", async () => (await pendingActivity(room, job))?.attempt === 2);
    console.log(`kill -9: attempt 2 after ${seconds(killedAt)} s`);
    expect(Date.now() - killedAt).toBeLessThan(15_000);
  });
});

describe("a worker that is told to stop", { timeout: 60_000 }, () => {
  it("in mid-upload hands over at once: the job is neither cancelled nor failed", async () => {
    const worker = await room.worker({ entry: HELD_WORKER });
    const draft = await room.draft();
    const recorder = room.record(draft);
    const { job, gate } = await room.publishUpTo(draft, "upload");
    const held = await holdBack(await sourceTile(room, draft, 130));
    await gate.open();
    await until("128 tiles to be uploaded", async () => (await jobRow(room, job)).progress > 30);
    const toldAt = Date.now();
    expect(await worker.stop()).toBe(0);
    // Its attempt ended with it: nobody waits for a heartbeat to be missed.
    await until("the next attempt", async () => (await pendingActivity(room, job))?.attempt === 2);
    console.log(`SIGTERM in upload: attempt 2 after ${seconds(toldAt)} s`);
    expect(await jobRow(room, job)).toMatchObject({ status: "running", step: "upload" });
    await held.restore();
    await room.worker();
    expect(await room.ended(job, TAKEOVER_MS)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
    expect(await messages(room, job)).toContainEqual(expect.stringContaining("Resuming at tile 129 of"));
    await expectCompletedOnce(draft, job, recorder);
  });
});

describe("a worker that dies right after it wrote the pointer", { timeout: 60_000 }, () => {
  it("leaves no stale release.json to static servers: whoever goes on mends the copy", async () => {
    await room.worker();
    const draft = await room.draft();
    const folder = join(room.storeFolder, "public", "dev", draft.project);
    // A folder cannot be replaced by a file: the attempt fails between the pointer and its copy.
    await mkdir(join(folder, "release.json"), { recursive: true });
    const recorder = room.record(draft);
    const job = await room.publish(draft);
    await until("the pointer", async () => (await recorder.served()).length === 1);
    await until("the attempt to fail", async () => ((await pendingActivity(room, job))?.attempt ?? 0) > 1);
    await rm(join(folder, "release.json"), { recursive: true });
    expect(await room.ended(job)).toMatchObject({ status: "completed", epoch: 1 });
    await expectCompletedOnce(draft, job, recorder);
    expect((await readdir(folder)).sort()).toEqual(["000000000001.json", "release.json"]);
  });
});

const seconds = (since: number): string => ((Date.now() - since) / 1_000).toFixed(1);

/** A publish that stands right behind its entering of a step, or right behind the switch. */
async function victim(moment: Moment) {
  const draft = await room.draft();
  const recorder = room.record(draft);
  return { draft, recorder, ...(await room.publishUpTo(draft, moment)) };
}

async function expectCompletedOnce(draft: Draft, job: string, recorder: PointerRecorder): Promise<void> {
  const release_id = await expectReleasedOnce(room, draft, [job]);
  await expectSoundLedger(room, job, ["completed"]);
  expect(await guardOf(room, draft)).toBeNull();
  expect(await recorder.served()).toEqual([1]);
  expect(await recorder.copy()).toEqual({ epoch: 1, release_id });
}
