/** What an operator does to an activity (pause, unpause, reset) is told in the job, and harms nothing. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  messages,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { pauseActivity, pendingActivity, resetActivity, unpauseActivity } from "../support/operator.ts";
import { jobRow, until, type Draft } from "../support/publishing.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";

/** 3 s are promised; the rest is for a machine that runs other tests too. */
const TOLD_MS = 6_000;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  room.reconcile(1_000);
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

/** A publish whose upload has copied two batches and waits with the third. */
async function heldUpload(draft: Draft) {
  await room.worker({ entry: HELD_WORKER });
  const { job, gate } = await room.publishUpTo(draft, "upload");
  const held = await holdBack(await sourceTile(room, draft, 130));
  await gate.open();
  await until("128 tiles to be uploaded", async () => (await jobRow(room, job)).progress > 30);
  return { job, held };
}
const told = (job: string, what: RegExp) => async () => (await messages(room, job)).some((each) => what.test(each));

describe("a paused activity", { timeout: 120_000 }, () => {
  it("is told with who and why, and goes on where it was once it is unpaused", async () => {
    const draft = await room.draft();
    const { job, held } = await heldUpload(draft);
    const pressed = Date.now();
    await pauseActivity(room, job, "upload", "lunch");
    const row = await until("the pause to be told", async () => {
      const found = await jobRow(room, job);
      return found.attention?.code === "paused" && found;
    });
    const took = Date.now() - pressed;
    console.log(`a pause: ${(took / 1_000).toFixed(2)} s until the job tells it`);
    expect(took).toBeLessThan(TOLD_MS);
    expect(row).toMatchObject({ status: "running", step: "upload" });
    expect(row.attention?.message).toContain("Paused in Temporal by ada@web-ui (lunch)");
    expect(row.message).toBe(row.attention?.message);

    // The attempt that ran stops, and what it said stays.
    await until("the attempt to end", async () => (await pendingActivity(room, job))?.attempt === 2);
    expect((await jobRow(room, job)).message).toBe(row.message);
    await held.restore();
    await unpauseActivity(room, job, "upload");
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "completed", generation: 1, attention: null });
    const log = await messages(room, job);
    expect(log.filter((message) => message.startsWith("Paused in Temporal"))).toHaveLength(1);
    expect(log.filter((message) => message.startsWith("Unpaused in Temporal"))).toHaveLength(1);
    expect(log.some((message) => message.startsWith("Resuming at"))).toBe(true);
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
  });

  it("that waits for its next attempt is told by the reconciler: no attempt hears of it", async () => {
    const draft = await room.draft();
    const { job, held } = await heldUpload(draft);
    await room.killWorkers();
    await pauseActivity(room, job, "upload", "no disk");
    await until("the pause to be told", async () => (await jobRow(room, job)).attention?.code === "paused", TOLD_MS);
    await unpauseActivity(room, job, "upload");
    await until("the end of it to be told", told(job, /^Unpaused/), TOLD_MS);
    expect((await jobRow(room, job)).attention?.code).not.toBe("paused");
    await held.restore();
    await room.worker();
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "completed", attention: null });
    await expectReleasedOnce(room, draft, [job]);
  });
});

describe("a reset activity", { timeout: 120_000 }, () => {
  it("is told by the attempt that it interrupts and by the one that goes on; the job is not cancelled", async () => {
    const draft = await room.draft();
    const { job, held } = await heldUpload(draft);
    const pressed = Date.now();
    await resetActivity(room, job, "upload");
    await until("the reset to be told", told(job, /^The activity was reset in Temporal: this attempt stops/));
    const took = Date.now() - pressed;
    console.log(`an activity's reset: ${(took / 1_000).toFixed(2)} s until the job tells it`);
    expect(took).toBeLessThan(TOLD_MS);
    await held.restore();
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "completed", generation: 1 });
    expect(await told(job, /^The activity was reset in Temporal: the step goes on/)()).toBe(true);
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
  });

  it("is told, too, where the server has forgotten the attempt's number meanwhile", async () => {
    const draft = await room.draft();
    const { job, held } = await heldUpload(draft);
    await resetActivity(room, job, "upload");
    await until("the second attempt", async () => {
      const pending = await pendingActivity(room, job);
      return pending?.attempt === 2 && (await told(job, /goes on with attempt 2/)());
    });
    await resetActivity(room, job, "upload");
    const stops = /^The activity was reset in Temporal: this attempt stops/;
    await until("the second reset to be told", async () => {
      return (await messages(room, job)).filter((each) => stops.test(each)).length === 2;
    });
    await held.restore();
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "completed", generation: 1 });
    await expectReleasedOnce(room, draft, [job]);
  });
});
