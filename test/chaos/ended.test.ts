import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  problemsOf,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { pendingActivity, requestCancel, workflowResult, workflowStatus } from "../support/operator.ts";
import { jobRow, ledger, until } from "../support/publishing.ts";

/** The heartbeat timeout is 10 s; the rest is for a busy machine. */
const TAKEOVER_MS = 40_000;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

describe("a worker that dies while it ends its jobs", { timeout: 120_000 }, () => {
  it("leaves workflows that end as the rows say, whatever the last commits came to", async () => {
    const worker = await room.worker();
    const [finished, finishedTold] = [await victim("completed"), await victim("completed")];
    const [settled, unsettled] = [await victim("failed"), await victim("failed")];
    await requestCancel(room, finishedTold.job);
    await until("the cancel to be on its way", async () => (await pendingActivity(room, finishedTold.job))?.cancelling);
    for (const { job } of [settled, unsettled]) expect((await pendingActivity(room, job))?.name).toBe("settle");

    await room.worker();
    await worker.kill();
    const killedAt = Date.now();
    // Three commits reach the disk without it, one is lost with it.
    for (const { gate } of [finished, finishedTold, settled]) await gate.open();
    await unsettled.gate.abort();
    expect(await jobRow(room, unsettled.job)).toMatchObject({ status: "running", error_code: null });
    expect(await guardOf(room, unsettled.draft)).toBe(unsettled.job);

    // The lost one is settled by the other worker, as soon as the heartbeats are missed.
    expect(await room.ended(unsettled.job, TAKEOVER_MS)).toMatchObject({ status: "failed", generation: 1 });
    const took = Date.now() - killedAt;
    console.log(`kill -9 in settle: settled by another worker after ${(took / 1_000).toFixed(1)} s`);
    expect(took).toBeLessThan(15_000);

    for (const { job, draft, recorder } of [finished, finishedTold]) {
      const ended = await jobRow(room, job);
      expect(ended).toMatchObject({ status: "completed", generation: 1, epoch: 1, error_code: null });
      const told = await ledger(room, job);
      await closed(job);
      expect(await workflowStatus(room, job)).toBe("COMPLETED");
      expect(await workflowResult(room, job)).toEqual(ended.result);
      expect(ended.result).toMatchObject({ release_id: await expectReleasedOnce(room, draft, [job]) });
      expect(await jobRow(room, job)).toEqual(ended);
      expect(await ledger(room, job)).toEqual(told);
      await expectSoundLedger(room, job, ["completed"]);
      expect(await guardOf(room, draft)).toBeNull();
      expect(await recorder.served()).toEqual([1]);
    }
    for (const { job, draft, recorder } of [settled, unsettled]) {
      await closed(job);
      expect(await workflowStatus(room, job)).toBe("FAILED");
      expect(await jobRow(room, job)).toMatchObject({ status: "failed", error_code: "version_invalid" });
      expect(await problemsOf(room, job)).toEqual([expect.objectContaining({ path: "/config" })]);
      await expectSoundLedger(room, job, ["failed"]);
      expect(await guardOf(room, draft)).toBeNull();
      await expectNothingPublic(room, draft, recorder);
    }
  });
});

/** A publish that stands inside the commit of its final state. */
async function victim(moment: "completed" | "failed") {
  const draft = await room.draft(moment === "failed" ? { config: null } : {});
  const recorder = room.record(draft);
  return { draft, recorder, ...(await room.publishUpTo(draft, moment)) };
}

const closed = (job: string) =>
  until("the workflow to close", async () => (await workflowStatus(room, job)) !== "RUNNING", TAKEOVER_MS);
