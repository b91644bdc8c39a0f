/** Retries while something else goes wrong: what is carried over is what the rows say, whoever starts the run and however often. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { absentTemporal } from "../gateway/gateway-room.ts";
import {
  createChaosRoom,
  eventOf,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { damageTile } from "../support/damaged-tile.ts";
import { reset } from "../support/operator.ts";
import { jobRow, until } from "../support/publishing.ts";
import { scheduledActivities } from "../support/run-history.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  room.reconcile(100);
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

const retry = (job: string) => retryJob(room.deps, { job_id: job, by: room.principal });

/** A publish that has failed in its upload. */
async function failedInUpload() {
  const draft = await room.draft();
  const recorder = room.record(draft);
  const mend = await damageTile(await sourceTile(room, draft, 200));
  const job = await room.publish(draft);
  expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "source_tile_damaged", generation: 1 });
  return { draft, recorder, job, mend };
}

async function expectCompletedOnce(
  { draft, recorder, job }: Pick<Awaited<ReturnType<typeof failedInUpload>>, "draft" | "recorder" | "job">,
  endings: Parameters<typeof expectSoundLedger>[2],
  generation: number,
): Promise<void> {
  expect(await room.ended(job, 40_000)).toMatchObject({ status: "completed", generation, epoch: 1, error_code: null });
  const release_id = await expectReleasedOnce(room, draft, [job]);
  await expectSoundLedger(room, job, endings);
  expect(await guardOf(room, draft)).toBeNull();
  expect(await recorder.served()).toEqual([1]);
  expect(await recorder.copy()).toEqual({ epoch: 1, release_id });
}

describe("a retry", { timeout: 90_000 }, () => {
  it("whose worker is killed in the first step that it runs resumes that, and runs none of those before", async () => {
    await room.worker();
    const failed = await failedInUpload();
    await failed.mend();
    const gate = await room.gates.close({ job_id: failed.job, ...eventOf("upload") });
    await retry(failed.job);
    await gate.reached();
    await room.killWorkers();
    await gate.open();
    await room.worker();
    await expectCompletedOnce(failed, ["failed", "completed"], 2);
    expect(await scheduledActivities(room, failed.job)).toEqual(["upload", "verifyTiles", "markPublished"]);
  });

  it("that is asked for while Temporal is down starts later, with the same steps carried over", async () => {
    const worker = await room.worker();
    const failed = await failedInUpload();
    await failed.mend();
    const deps = { ...room.deps, executions: absentTemporal() };
    await worker.stop();
    // Only the row knows of it from here on: this gateway could have died as well.
    expect(await retryJob(deps, { job_id: failed.job, by: room.principal })).toEqual({
      generation: 2,
      from: "upload",
      message: expect.stringContaining("from upload"),
    });
    await room.worker();
    await expectCompletedOnce(failed, ["failed", "completed"], 2);
    expect(await scheduledActivities(room, failed.job)).toEqual(["upload", "verifyTiles", "markPublished"]);
  });

  it("of a publish that was cancelled goes on from where it was stopped", async () => {
    await room.worker({ entry: HELD_WORKER });
    const draft = await room.draft();
    const recorder = room.record(draft);
    const held = await holdBack(await sourceTile(room, draft, 130));
    const job = await room.publish(draft);
    await until("128 tiles to be uploaded", async () => (await jobRow(room, job)).progress > 30);
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    expect(await room.ended(job)).toMatchObject({ status: "cancelled", step: "upload" });
    await held.restore();
    expect(await retry(job)).toEqual({
      generation: 2,
      from: "upload",
      message: expect.stringContaining("from upload"),
    });
    await expectCompletedOnce({ draft, recorder, job }, ["cancelled", "completed"], 2);
    expect(await scheduledActivities(room, job)).toEqual(["upload", "verifyTiles", "markPublished"]);
  });

  it("after a reset carries over what the first run had finished", async () => {
    await room.worker();
    const failed = await failedInUpload();
    await reset(room, failed.job, "upload");
    await until("generation 2", async () => (await jobRow(room, failed.job)).generation === 2);
    expect(await room.ended(failed.job)).toMatchObject({ status: "failed", error_code: "source_tile_damaged" });
    await failed.mend();
    expect(await retry(failed.job)).toEqual({
      generation: 3,
      from: "upload",
      message: expect.stringContaining("from upload"),
    });
    await expectCompletedOnce(failed, ["failed", "failed", "completed"], 3);
    expect(await scheduledActivities(room, failed.job)).toEqual(["upload", "verifyTiles", "markPublished"]);
  });

  it("can itself be reset to its first task: the steps that it carries over are done there, too", async () => {
    await room.worker();
    const failed = await failedInUpload();
    await retry(failed.job);
    await until("generation 2", async () => (await jobRow(room, failed.job)).generation === 2);
    expect(await room.ended(failed.job)).toMatchObject({ status: "failed", generation: 2 });
    await failed.mend();
    await reset(room, failed.job);
    await until("generation 3", async () => (await jobRow(room, failed.job)).generation === 3);
    await expectCompletedOnce(failed, ["failed", "failed", "completed"], 3);
    expect(await scheduledActivities(room, failed.job)).toEqual(["upload", "verifyTiles", "markPublished"]);
    const { steps } = await jobRow(room, failed.job);
    expect(steps.map(({ status }) => status)).toEqual(["done", "done", "done", "done", "done"]);
  });
});
