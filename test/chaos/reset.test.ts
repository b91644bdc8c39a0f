import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startJob } from "../../src/jobs/protocol/start.ts";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { reset, pendingActivity, workflowStatus } from "../support/operator.ts";
import { jobRow, until } from "../support/publishing.ts";
import { makeStuck } from "../support/stuck-file.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

describe("a reset in mid-upload", { timeout: 60_000 }, () => {
  it.each([
    ["to the first task", undefined],
    ["to the task before the upload", "upload"],
  ])("%s goes on with the same job as generation 2 and releases once", async (_, activity) => {
    const worker = await room.worker();
    const draft = await room.draft();
    const recorder = room.record(draft);
    const stuck = await stuckUpload(draft);

    await stuck.restore();
    const run = await reset(room, stuck.job, activity);
    expect(await room.ended(stuck.job)).toMatchObject({
      status: "completed",
      generation: 2,
      run_id: run,
      epoch: 1,
      progress: 100,
      error_code: null,
    });
    await until("the workflow to close", async () => (await workflowStatus(room, stuck.job)) === "COMPLETED");

    // The attempt of the first run wakes up, and ends without a trace.
    const before = await jobRow(room, stuck.job);
    await stuck.release();
    // By itself, or because a heartbeat was answered that its run is over.
    const isOver = (): boolean => /source_tile_damaged|an attempt was interrupted/.test(worker.log());
    await until("the old attempt to end", async () => isOver(), 15_000);
    expect(await worker.stop()).toBe(0);
    expect(await jobRow(room, stuck.job)).toEqual(before);
    await expectReleasedOnce(room, draft, [stuck.job]);
    await expectSoundLedger(room, stuck.job, ["completed"]);
    expect(await guardOf(room, draft)).toBeNull();
    expect(await recorder.served()).toEqual([1]);
    expect(await recorder.copy()).toMatchObject({ epoch: 1, release_id: before.release_id });
  });
});

describe("a reset of a publish that has ended", { timeout: 60_000 }, () => {
  it("and is not live any more ends completed again, and the newer release stays live", async () => {
    await room.worker();
    const draft = await room.draft();
    const recorder = room.record(draft);
    const older = await room.publish(draft);
    await room.ended(older);
    const newer = await room.publish(await room.draft({ project: draft }));
    await room.ended(newer);

    await reset(room, older);
    await until("generation 2", async () => (await jobRow(room, older)).generation === 2);
    expect(await room.ended(older)).toMatchObject({ status: "completed", epoch: 1, switched_at: expect.anything() });
    await expectReleasedOnce(room, draft, [older]);
    await expectSoundLedger(room, older, ["completed", "completed"]);
    expect(await recorder.served()).toEqual([1, 2]);
    expect(await recorder.copy()).toMatchObject({ epoch: 2 });
  });

  it("and whose guard another job holds by now fails as guard_lost, and harms nobody", async () => {
    const draft = await room.draft({ config: null });
    const recorder = room.record(draft);
    const worker = await room.worker();
    const job = await room.publish(draft);
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "version_invalid" });
    await worker.stop();
    const holder = await room.publish(await room.draft({ project: draft }), { start: false });

    await reset(room, job);
    await room.worker();
    await until("generation 2", async () => (await jobRow(room, job)).generation === 2);
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "guard_lost", switched_at: null });
    expect(await guardOf(room, draft)).toBe(holder);
    await expectSoundLedger(room, job, ["failed", "failed"]);
    await startJob(room.deps, holder, 1);
    expect(await room.ended(holder)).toMatchObject({ status: "completed", epoch: 1 });
    expect(await recorder.served()).toEqual([1]);
  });
});

/** A publish whose upload has copied two batches and waits for a tile of the third. */
async function stuckUpload(draft: Awaited<ReturnType<ChaosRoom["draft"]>>) {
  const { job, gate } = await room.publishUpTo(draft, "upload");
  const stuck = await makeStuck(await sourceTile(room, draft, 130));
  await gate.open();
  await until("128 tiles to be uploaded", async () => {
    const pending = await pendingActivity(room, job);
    return pending?.name === "upload" && JSON.stringify(pending.heartbeat?.resume ?? {}).includes('"index":128');
  });
  return { job, ...stuck };
}
