/** The receipt of a cancellation: each stage once, in order, by who may say so; whichever way it was asked for. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CancellationReceipt } from "../../contract/cancellation.ts";
import { query, transaction } from "../../src/db.ts";
import { readReceipt } from "../../src/jobs/cancellation-receipt.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { noteCancelStage } from "../../src/jobs/protocol/cancel-stages.ts";
import { published } from "../../src/jobs/protocol/project.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { attemptOf, createProtocolRoom, FAILED, runOf, type ProtocolRoom } from "../support/protocol-room.ts";
import { ledger } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => ({ job } = await protocol.renew()));

const CANCELLED = { status: "cancelled" as const, code: "cancelled", message: "The job was cancelled." };
const cancel = (reason?: string) =>
  cancelJob(protocol.room.deps, {
    ...{ job_id: job, by: protocol.room.principal, deadline_seconds: 60 },
    ...(reason ? { reason } : {}),
  });
const receipt = async (): Promise<CancellationReceipt> =>
  (await readReceipt(protocol.room.database.em.fork(), { id: job, tenant_id: protocol.room.tenant_id }))!;
const stages = async () => (await ledger(protocol.room, job)).flatMap(({ data }) => data["cancellation"] ?? []);
const ms = (time: string | null): number => new Date(time ?? 0).getTime();

describe("a queued job", () => {
  it("goes all the way at once, without a deadline", async () => {
    expect(await cancel("wrong map")).toBe("cancelled");
    const told = await receipt();
    const at = told.requested_at;
    expect(told).toEqual({
      ...{ stage: "compensated", outcome: "cancelled", requested_by: "Ada", reason: "wrong map" },
      ...{ requested_at: at, acknowledged_at: at, stopped_at: at, compensated_at: at },
      ...{ deadline_at: null, terminated_at: null },
    });
    expect(await stages()).toEqual(["compensated"]);
  });
});

describe("a running job", () => {
  it("goes stage by stage, each told once and in order, with a deadline from the request on", async () => {
    const { deps } = protocol.room;
    const grip = await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("F");
    await cancel("wrong map");
    const requested = await receipt();
    expect(requested).toMatchObject({
      ...{ stage: "requested", outcome: "pending", requested_by: "Ada", reason: "wrong map" },
      ...{ acknowledged_at: null, stopped_at: null, compensated_at: null },
    });
    expect(ms(requested.deadline_at) - ms(requested.requested_at)).toBe(60_000);

    await noteCancelStage(deps, grip, "acknowledged");
    await noteCancelStage(deps, grip, "acknowledged");
    expect(await receipt()).toMatchObject({ stage: "acknowledged", outcome: "pending" });
    const settling = await protocol.grip(attemptOf(job, "F", 2), null);
    await noteCancelStage(deps, settling, "stopped");
    const again = await protocol.grip(attemptOf(job, "F", 3), null);
    await noteCancelStage(deps, again, "stopped");
    expect(await receipt()).toMatchObject({ stage: "stopped", outcome: "pending" });
    await settleJob(deps, again, CANCELLED);
    const told = await receipt();
    expect(told).toMatchObject({ stage: "compensated", outcome: "cancelled", requested_at: requested.requested_at });
    const times = [told.requested_at, told.acknowledged_at, told.stopped_at, told.compensated_at].map(ms);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(await stages()).toEqual(["requested", "acknowledged", "stopped", "compensated"]);
  });

  it("that nobody had seen the cancel of is acknowledged when it has stopped", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("F");
    await cancel();
    const settling = await protocol.grip(attemptOf(job, "F", 2), null);
    await noteCancelStage(protocol.room.deps, settling, "stopped");
    const { acknowledged_at, stopped_at } = await receipt();
    expect([acknowledged_at, acknowledged_at]).toEqual([stopped_at, expect.any(String)]);
    expect(await stages()).toEqual(["requested", "acknowledged", "stopped"]);
  });

  it("asked again, answers the receipt of the first time, whoever asks and why", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("F");
    await cancel("wrong map");
    const first = { receipt: await receipt(), told: await stages() };
    await cancelJob(protocol.room.deps, {
      job_id: job,
      by: protocol.room.principal,
      reason: "other",
      deadline_seconds: 5,
    });
    expect({ receipt: await receipt(), told: await stages() }).toEqual(first);
  });

  it("lost to the switch is completed: its receipt keeps its stages, and a further cancel is refused with the reason", async () => {
    const { deps, database } = protocol.room;
    const grip = await protocol.grip(attemptOf(job, "F", 1), "mark_published");
    protocol.temporal.current = runOf("F");
    await cancel();
    await transaction(database, (tx) => writeJob(tx, job, { switched_at: "now", epoch: 1 }, []));
    await noteCancelStage(deps, grip, "acknowledged");
    await expect(cancel()).rejects.toMatchObject({
      code: "past_the_switch",
      message: expect.stringContaining("the point of no return"),
    });
    const result = {
      ...{ release_id: "rel_1", release_url: "/dev/town/release.json", overlay_count: 2, tile_count: 3 },
      ...{ digest: "d".repeat(64), published_at: "2026-01-01T00:00:00.000Z" },
    };
    await finishJob(deps, grip, published(result, "dev"));
    expect(await receipt()).toMatchObject({ stage: "requested", outcome: "too_late", compensated_at: null });
    await expect(cancel()).rejects.toMatchObject({ code: "job_final" });
  });

  it("that fails while it is to be cancelled says that the cancel came too late", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("F");
    await cancel();
    await settleJob(protocol.room.deps, await protocol.grip(attemptOf(job, "F", 2), null), FAILED);
    expect(await receipt()).toMatchObject({ stage: "requested", outcome: "too_late", compensated_at: null });
  });
});

describe("a cancel that was asked for in Temporal", () => {
  it("gets a receipt with who, when and why from the history, and a deadline from who asks here, too", async () => {
    const at = "2026-01-02T03:04:05.678Z";
    protocol.temporal.requested = { at, by: "grace@example.org", reason: "wrong map" };
    const grip = await protocol.grip(attemptOf(job, "F", 1));
    await noteCancelStage(protocol.room.deps, grip, "acknowledged");
    expect(await receipt()).toMatchObject({
      ...{ stage: "acknowledged", requested_at: at, requested_by: "grace@example.org", reason: "wrong map" },
      deadline_at: null,
    });
    expect(await stages()).toEqual(["requested", "acknowledged"]);
    const first = await receipt();
    protocol.temporal.current = runOf("F");
    // The worker that had seen it dies: nobody else would ever end the job.
    const asked = Date.now();
    await cancel("me too");
    const { deadline_at } = await receipt();
    expect(ms(deadline_at) - asked).toBeGreaterThan(50_000);
    expect(await receipt()).toEqual({ ...first, deadline_at });
    expect((await ledger(protocol.room, job)).at(-1)?.data).toMatchObject({
      message: "Cancel requested by Ada: me too",
    });
    await cancel("and again");
    expect(await receipt()).toEqual({ ...first, deadline_at });
    expect(await stages()).toEqual(["requested", "acknowledged"]);
  });

  it("gets one when Temporal cannot say who it was, too", async () => {
    protocol.temporal.cancelRequested = () => Promise.reject(new Error("14 UNAVAILABLE"));
    const grip = await protocol.grip(attemptOf(job, "F", 1));
    await noteCancelStage(protocol.room.deps, grip, "acknowledged");
    expect(await receipt()).toMatchObject({ requested_by: "somebody in Temporal", requested_at: expect.any(String) });
  });
});

describe("a stage", () => {
  it("is not told by an attempt that does not hold the row any more", async () => {
    const zombie = await protocol.grip(attemptOf(job, "F", 1));
    await protocol.grip(attemptOf(job, "F", 2));
    const before = await protocol.state(job);
    await noteCancelStage(protocol.room.deps, zombie, "acknowledged");
    expect(await protocol.state(job)).toEqual(before);
  });
});

describe("a run that ended without settling its job", () => {
  const closed = async (status: string) => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("F");
    await cancel();
    protocol.temporal.current = runOf("F", { open: false, status });
    expect(await reconcileJob(protocol.room.deps, job)).toBe("settle");
    return receipt();
  };

  it("by the cancel has gone through all stages, and each is told", async () => {
    const told = await closed("CANCELLED");
    expect(told).toMatchObject({ stage: "compensated", outcome: "cancelled" });
    expect([told.acknowledged_at, told.stopped_at]).toEqual([told.compensated_at, told.compensated_at]);
    expect(await stages()).toEqual(["requested", "acknowledged", "stopped", "compensated"]);
  });

  it("by something else says that the cancel came too late, as a run does that settles its job", async () => {
    expect(await closed("TIMED_OUT")).toMatchObject({
      ...{ stage: "requested", outcome: "too_late", acknowledged_at: null, stopped_at: null, compensated_at: null },
    });
    expect(await stages()).toEqual(["requested"]);
  });
});

it("a reset takes what the old run had done about a cancel, and keeps the request and its deadline", async () => {
  const { deps } = protocol.room;
  const grip = await protocol.grip(attemptOf(job, "F", 1));
  protocol.temporal.current = runOf("F");
  await cancel("wrong map");
  const { requested_at, deadline_at } = await receipt();
  await noteCancelStage(deps, grip, "stopped");
  protocol.temporal.current = runOf("A", { reset: true });
  expect(await reconcileJob(deps, job)).toBe("adopt");
  expect(await receipt()).toMatchObject({
    ...{ stage: "requested", outcome: "pending", requested_at, deadline_at, reason: "wrong map" },
    ...{ acknowledged_at: null, stopped_at: null },
  });
});

it("a retry takes the receipt away with the generation that it belongs to", async () => {
  await cancel();
  await retryJob(protocol.room.deps, { job_id: job, by: protocol.room.principal });
  expect(await receipt()).toBeNull();
  await query(protocol.room.database.em.fork(), `update jobs set status = 'cancelled' where id = $1`, [job]);
  await expect(cancel()).rejects.toMatchObject({ code: "job_final" });
});
