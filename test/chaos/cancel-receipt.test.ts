/** The receipt of a cancellation against the real server: whoever asks, wherever the publish is, and whether or not a worker is there. */
import { defaultPayloadConverter } from "@temporalio/common";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { SettleOutcome } from "../../activities/jobs/settle.ts";
import { CANCELLATION_STAGES, type CancellationReceipt } from "../../contract/cancellation.ts";
import { PUBLISH_STEPS } from "../../contract/publish.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { readReceipt } from "../../src/jobs/cancellation-receipt.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { createChaosRoom, expectSoundLedger, guardOf, sourceTile, type ChaosRoom } from "../support/chaos-room.ts";
import { pendingActivity, requestCancel, workflowStatus } from "../support/operator.ts";
import { jobRow, ledger, until } from "../support/publishing.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterAll(() => room?.close());

const cancel = (job: string) =>
  cancelJob(room.deps, { job_id: job, by: room.principal, reason: "wrong map", deadline_seconds: 60 });
const receiptOf = (job: string): Promise<CancellationReceipt | null> =>
  readReceipt(room.database.em.fork(), { id: job, tenant_id: room.tenant_id });

/** All four stages in the row, one after the other; each an entry of the ledger; and the history has the same. */
async function expectWholeReceipt(job: string): Promise<CancellationReceipt> {
  const receipt = await receiptOf(job);
  expect(receipt).toMatchObject({ stage: "compensated", outcome: "cancelled", terminated_at: null });
  const { acknowledged_at, stopped_at, compensated_at } = receipt!;
  const times = [acknowledged_at, stopped_at, compensated_at].map((time) => new Date(time ?? Number.NaN).getTime());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const told = (await ledger(room, job)).flatMap(({ data }) => data["cancellation"] ?? []);
  expect(told).toEqual(CANCELLATION_STAGES);
  expect((await outcomeOf(job)).cancellation).toEqual(receipt);
  await expectSoundLedger(room, job, ["cancelled"]);
  return receipt!;
}

/** What `settle` has answered, in the history. */
async function outcomeOf(job: string): Promise<SettleOutcome> {
  await until("the workflow to close", async () => (await workflowStatus(room, job)) !== "RUNNING");
  const { events } = await room.temporal.client.workflow.getHandle(workflowId("publish", job)).fetchHistory();
  const last = events?.findLast(({ activityTaskCompletedEventAttributes: it }) => it);
  const payload = last?.activityTaskCompletedEventAttributes?.result?.payloads?.at(0);
  return defaultPayloadConverter.fromPayload<SettleOutcome>(payload!);
}

describe("the receipt of a cancel", { timeout: 90_000 }, () => {
  beforeAll(async () => {
    await room.worker({ entry: HELD_WORKER });
  });
  afterAll(() => room?.killWorkers());

  it.each([
    { way: "through the API", by: "Ada", reason: "wrong map", press: cancel },
    {
      way: "in the Temporal Web UI",
      by: expect.any(String),
      reason: null,
      press: (job: string) => requestCancel(room, job),
    },
  ])("asked for $way says who and why, and goes stage by stage", async ({ by, reason, press }) => {
    const draft = await room.draft();
    const { job, gate } = await room.publishUpTo(draft, "upload");
    const held = await holdBack(await sourceTile(room, draft, 130));
    await gate.open();
    await until("tiles to be uploaded", async () => (await jobRow(room, job)).progress > 30);
    const before = Date.now();
    await press(job);
    await room.ended(job);
    const receipt = await expectWholeReceipt(job);
    expect(receipt).toMatchObject({ requested_by: by, reason });
    expect(new Date(receipt.requested_at).getTime()).toBeGreaterThan(before - 1_000);
    const entries = (await ledger(room, job)).filter(({ data }) => data["cancellation"]);
    // The upload itself has seen it, before the settling came.
    expect(entries.map(({ data }) => data["step"])).toEqual(["upload", "upload", "upload", undefined]);
    const kinds = (await ledger(room, job)).map(({ data }) => data["cancellation"] ?? data["message"]);
    expect(kinds.indexOf("acknowledged")).toBeLessThan(kinds.indexOf("stopped"));
    expect(await guardOf(room, draft)).toBeNull();
    await held.restore();
  });

  it("in each step before the switch ends compensated, though the step was done before it heard of it", async () => {
    const steps = PUBLISH_STEPS.map(({ name }) => name).slice(0, -1);
    const publishes = [];
    for (const step of steps) {
      const draft = await room.draft();
      publishes.push({ draft, ...(await room.publishUpTo(draft, step)) });
    }
    for (const { job } of publishes) await requestCancel(room, job);
    for (const { job, gate } of publishes) {
      await until("the activity to be told", async () => (await pendingActivity(room, job))?.cancelling);
      await gate.open();
    }
    for (const { job, draft } of publishes) {
      expect(await room.ended(job)).toMatchObject({ status: "cancelled", error_code: "cancelled", switched_at: null });
      await expectWholeReceipt(job);
      expect(await guardOf(room, draft)).toBeNull();
    }
  });

  it("asked for at the same moment as the switch is refused, or cancels, or says that it came too late", async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const { job, gate } = await room.publishUpTo(await room.draft(), round % 2 === 0 ? "mark_published" : "switched");
      const pressed = cancel(job).catch((error: unknown) => (error as { code?: string }).code);
      await room.gates.somebodyWaits("jobs");
      await gate.open();
      const answer = await pressed;
      const { status } = await room.ended(job);
      const receipt = await receiptOf(job);
      if (answer === "past_the_switch") expect([status, receipt]).toEqual(["completed", null]);
      else if (status === "cancelled") await expectWholeReceipt(job);
      else expect([status, receipt?.outcome, receipt?.compensated_at]).toEqual(["completed", "too_late", null]);
      outcomes.add(answer === "past_the_switch" ? answer : (receipt?.outcome ?? ""));
    }
    console.log(`a cancel racing the switch: ${[...outcomes].join(", ")}`);
    expect(outcomes).toContain("past_the_switch");
    expect(outcomes.size).toBeGreaterThan(1);
  });
});

describe("the receipt of a cancel without a worker", { timeout: 120_000 }, () => {
  afterEach(() => room?.killWorkers());

  it("waits, and is whole when one has come", async () => {
    const draft = await room.draft();
    const worker = await room.worker();
    const { job, gate } = await room.publishUpTo(draft, "upload");
    await worker.kill();
    await gate.open();
    await until(
      "the upload to begin, as far as the row knows",
      async () => (await jobRow(room, job)).step === "upload",
    );
    await cancel(job);
    const first = await receiptOf(job);
    expect(first).toMatchObject({ stage: "requested", outcome: "pending" });
    await cancel(job);
    expect(await receiptOf(job)).toEqual(first);

    await room.worker();
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "cancelled" });
    const { requested_at, deadline_at } = await expectWholeReceipt(job);
    expect({ requested_at, deadline_at }).toEqual({
      requested_at: first?.requested_at,
      deadline_at: first?.deadline_at,
    });
  });

  it("that had not begun, asked for in the Temporal Web UI, is whole when one has come", async () => {
    const draft = await room.draft();
    const job = await room.publish(draft);
    await requestCancel(room, job);
    await room.worker();
    expect(await room.ended(job)).toMatchObject({ status: "cancelled", error_code: "cancelled" });
    await expectWholeReceipt(job);
    expect(await guardOf(room, draft)).toBeNull();
  });
});
