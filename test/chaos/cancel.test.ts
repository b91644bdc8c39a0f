import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { breakPointer } from "../support/broken-pointer.ts";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { pendingActivity, requestCancel, workflowStatus } from "../support/operator.ts";
import { jobRow, ledger, until } from "../support/publishing.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";

/** 3 s are promised; the rest is for a machine that runs other tests too. */
const CANCEL_MS = 5_000;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

const cancel = (job: string) => cancelJob(room.deps, { job_id: job, by: room.principal, reason: "chaos" });

describe("a cancel", { timeout: 90_000 }, () => {
  it.each([
    { way: "through the API", press: async (job: string) => expect(await cancel(job)).toBe("requested") },
    { way: "from the Temporal Web UI", press: (job: string) => requestCancel(room, job) },
  ])("$way reaches a running upload at once, leaves nothing public, and can be retried", async ({ way, press }) => {
    await room.worker({ entry: HELD_WORKER });
    const draft = await room.draft();
    const recorder = room.record(draft);
    const { job, gate } = await room.publishUpTo(draft, "upload");
    const held = await holdBack(await sourceTile(room, draft, 130));
    await gate.open();
    await until("128 tiles to be uploaded", async () => (await jobRow(room, job)).progress > 30);
    expect((await pendingActivity(room, job))?.name).toBe("upload");

    const pressed = Date.now();
    await press(job);
    const row = await room.ended(job);
    const took = Date.now() - pressed;
    console.log(`a cancel ${way}: ${(took / 1_000).toFixed(2)} s until the job is cancelled`);
    expect(took).toBeLessThan(CANCEL_MS);
    expect(row).toMatchObject({ status: "cancelled", error_code: "cancelled", switched_at: null, generation: 1 });
    expect(row.progress).toBeLessThan(50);
    await until("the workflow to close", async () => (await workflowStatus(room, job)) === "CANCELLED");
    await expectNothingPublic(room, draft, recorder);
    await expectSoundLedger(room, job, ["cancelled"]);
    expect(await guardOf(room, draft)).toBeNull();

    await held.restore();
    expect(await retryJob(room.deps, { job_id: job, by: room.principal })).toEqual({
      generation: 2,
      from: "upload",
      message: expect.stringContaining("from upload"),
    });
    expect(await guardOf(room, draft)).toBe(job);
    expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 2, epoch: 1 });
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["cancelled", "completed"]);
    expect(await recorder.served()).toEqual([1]);
  });

  it("of a queued job needs no worker, and its workflow finds nothing left to do", async () => {
    const draft = await room.draft();
    const recorder = room.record(draft);
    const job = await room.publish(draft);
    expect(await cancel(job)).toBe("cancelled");
    expect(await jobRow(room, job)).toMatchObject({ status: "cancelled", run_id: null });
    expect(await guardOf(room, draft)).toBeNull();
    const told = await ledger(room, job);

    await room.worker();
    await until("the workflow to close", async () => (await workflowStatus(room, job)) !== "RUNNING");
    expect(await workflowStatus(room, job)).toBe("CANCELLED");
    expect(await ledger(room, job)).toEqual(told);
    await expectNothingPublic(room, draft, recorder);
    await expectSoundLedger(room, job, ["cancelled"]);
  });

  it("of a queued job that was never started stays cancelled when the start comes late", async () => {
    const draft = await room.draft();
    const job = await room.publish(draft, { start: false });
    expect(await cancel(job)).toBe("cancelled");
    const told = await ledger(room, job);
    await startJob(room.deps, job, 1);
    await room.worker();
    await until("the workflow to close", async () => (await workflowStatus(room, job)) !== "RUNNING");
    expect(await workflowStatus(room, job)).toBe("CANCELLED");
    expect(await ledger(room, job)).toEqual(told);
  });

  it("after the switch is refused, and one from the Web UI ends completed all the same", async () => {
    await room.worker();
    const draft = await room.draft();
    const recorder = room.record(draft);
    const pointer = await breakPointer(room.storeFolder, "dev", draft.project);
    const job = await room.publish(draft);
    await until("the switch", async () => (await jobRow(room, job)).switched_at);

    await expect(cancel(job)).rejects.toMatchObject({ code: "past_the_switch" });
    await requestCancel(room, job);
    await until("the publish to be settled", async () => (await pendingActivity(room, job))?.name === "settle");
    expect(await jobRow(room, job)).toMatchObject({ status: "running", epoch: 1 });
    await pointer.mend();
    expect(await room.ended(job)).toMatchObject({ status: "completed", epoch: 1, error_code: null });
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
    expect(await recorder.served()).toEqual([1]);
  });
});
