import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
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

describe("a reset in mid-upload", () => {
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
    await until("the old attempt to end", async () => worker.log().includes("source_tile_damaged"));
    expect(await worker.stop()).toBe(0);
    expect(await jobRow(room, stuck.job)).toEqual(before);
    await expectReleasedOnce(room, draft, [stuck.job]);
    await expectSoundLedger(room, stuck.job, ["completed"]);
    expect(await guardOf(room, draft)).toBeNull();
    expect(await recorder.served()).toEqual([1]);
    expect(await recorder.copy()).toMatchObject({ epoch: 1, release_id: before.release_id });
  });
});

/** A publish whose upload has copied two batches and waits for a tile of the third. */
async function stuckUpload(draft: Awaited<ReturnType<ChaosRoom["draft"]>>) {
  const job = await room.publish(draft, { start: false });
  const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: "upload", status: "running" } });
  await room.reconciler.round();
  await gate.reached();
  const stuck = await makeStuck(await sourceTile(room, draft, 130));
  await gate.open();
  await until("128 tiles to be uploaded", async () => {
    const pending = await pendingActivity(room, job);
    return pending?.name === "upload" && JSON.stringify(pending.heartbeat?.resume ?? {}).includes('"index":128');
  });
  return { job, ...stuck };
}
