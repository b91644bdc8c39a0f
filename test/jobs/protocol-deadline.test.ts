/** A job that has not ended by its deadline ends as failed, once, whatever it was doing; one that has switched does not. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { readReceipt } from "../../src/jobs/cancellation-receipt.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { noteCancelStage } from "../../src/jobs/protocol/cancel-stages.ts";
import { JOB_DEADLINE_REASON } from "../../src/jobs/protocol/closed-run.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { createReconciler } from "../../src/jobs/reconcile.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { attemptOf, createProtocolRoom, runOf, type ProtocolRoom } from "../support/protocol-room.ts";
import { jobRow, ledger, type Draft } from "../support/publishing.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { guardOf } from "../support/chaos-room.ts";

let protocol: ProtocolRoom;
let job: string;
let draft: Draft;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => ({ job, draft } = await protocol.renew()));

const CANCELLED = { status: "cancelled" as const, code: "cancelled", message: "The job was cancelled." };
const sql = (text: string) => query(protocol.room.database.em.fork(), text, [job]);
/** Its deadline passed two seconds ago. */
const late = () => sql(`update jobs set deadline_at = now() - interval '2 seconds' where id = $1`);
const overdue = () => sql(`update jobs set deadline_stop_at = now() - interval '1 second' where id = $1`);
const reconcile = () => reconcileJob(protocol.room.deps, job);
const row = () => jobRow(protocol.room, job);
const messages = async () => (await ledger(protocol.room, job)).map(({ data }) => String(data["message"]));
const cancel = () => cancelJob(protocol.room.deps, { job_id: job, by: protocol.room.principal, deadline_seconds: 60 });

/** Running, late and told so. */
async function stopping() {
  const grip = await protocol.grip(attemptOf(job, "F", 1));
  protocol.temporal.current = runOf("F");
  await late();
  expect(await reconcile()).toBe("expire");
  return grip;
}

describe("a queued job that is late", () => {
  it("fails in its row, gives its guard back, and asks nothing of Temporal", async () => {
    await late();
    // With a Temporal that cannot even be asked.
    protocol.temporal.whileDescribing = () => Promise.reject(new Error("away"));
    expect(await reconcile()).toBe("expire");
    expect(await row()).toMatchObject({ status: "failed", error_code: "deadline_exceeded", generation: 1 });
    expect((await row()).message).toMatch(/had not ended by its deadline, 2\d{3}-.*Z: it was still waiting to begin/);
    expect(await guardOf(protocol.room, draft)).toBeNull();
    expect(protocol.temporal.cancelled).toEqual([]);
    protocol.temporal.whileDescribing = null;
    expect(await reconcile()).toBe("nothing");
  });

  it("is not begun by the run that comes for it afterwards", async () => {
    await late();
    await reconcile();
    const before = await protocol.state(job);
    const entered = await enterStep(protocol.room.deps, attemptOf(job, "F", 1), { step: "validate", message: "" });
    expect(entered).toMatchObject({ kind: "end" });
    expect(await protocol.state(job)).toEqual(before);
  });

  it("is found by the reconciler's round, with and without visibility", async () => {
    await late();
    const reconciler = createReconciler(protocol.room.deps, { everyMs: 0, quietMs: 60_000 });
    await reconciler.round({ patient: true });
    expect(await row()).toMatchObject({ status: "failed", error_code: "deadline_exceeded" });
    ({ job, draft } = await protocol.renew());
    protocol.temporal.visible = { changed: [], open: [], paused: [] };
    await late();
    await reconciler.round({ patient: true });
    expect(await row()).toMatchObject({ status: "failed", error_code: "deadline_exceeded" });
    await reconciler.stop();
  });
});

describe("a running job that is late", () => {
  it("is told so once, and exactly its run is asked to stop, again while it has not", async () => {
    await stopping();
    expect((await row()).deadline_stop_at).not.toBeNull();
    expect(await reconcile()).toBe("cancel");
    expect(protocol.temporal.cancelled.map(({ run_id }) => run_id)).toEqual(["F", "F"]);
    expect((await messages()).filter((text) => text.includes("deadline has passed"))).toHaveLength(1);
  });

  it("settles as failed though its run was cancelled, however often settling is tried", async () => {
    await stopping();
    const settling = await protocol.grip(attemptOf(job, "F", 2), null);
    const failure = { code: "deadline_exceeded", message: expect.stringContaining("it was stopped") };
    const settled = { kind: "ended", status: "failed", failure };
    expect(await settleJob(protocol.room.deps, settling, CANCELLED)).toEqual(settled);
    const { events } = await protocol.state(job);
    expect(await settleJob(protocol.room.deps, settling, CANCELLED)).toEqual(settled);
    expect((await protocol.state(job)).events).toBe(events);
    expect(await row()).toMatchObject({ status: "failed", error_code: "deadline_exceeded" });
  });

  it("fails with what was wrong with it, where that came first", async () => {
    await stopping();
    const settling = await protocol.grip(attemptOf(job, "F", 2), null);
    const ending = { status: "failed" as const, code: "tile_damaged", message: "A tile is damaged." };
    expect(await settleJob(protocol.room.deps, settling, ending)).toEqual({ kind: "ended", status: "failed" });
    expect(await row()).toMatchObject({ error_code: "tile_damaged" });
  });

  it("has no receipt of a cancellation: nobody has asked for one", async () => {
    const grip = await stopping();
    await noteCancelStage(protocol.room.deps, grip, "acknowledged");
    await noteCancelStage(protocol.room.deps, grip, "stopped");
    const key = { id: job, tenant_id: protocol.room.tenant_id };
    expect(await readReceipt(protocol.room.database.em.fork(), key)).toBeNull();
  });

  it("is terminated where no worker stops it, and has failed for the same reason", async () => {
    await stopping();
    await overdue();
    expect(await reconcile()).toBe("terminate");
    expect(protocol.temporal.terminated).toEqual([expect.objectContaining({ reason: JOB_DEADLINE_REASON })]);
    expect(await row()).toMatchObject({ status: "failed", error_code: "deadline_exceeded" });
    expect(await guardOf(protocol.room, draft)).toBeNull();
  });

  it.each([
    ["CANCELLED", null, "failed", "deadline_exceeded"],
    ["TERMINATED", { kind: "terminated", by: "ada", reason: "by hand" }, "cancelled", "terminated_by_operator"],
    ["TIMED_OUT", { kind: "timed_out", limit: "run" }, "failed", "timed_out"],
  ] as const)("whose run ended as %s without settling is told by the reconciler", async (status, closing, as, code) => {
    await stopping();
    protocol.temporal.current = runOf("F", { open: false, status });
    protocol.temporal.closing = closing;
    expect(await reconcile()).toBe("settle");
    expect(await row()).toMatchObject({ status: as, error_code: code });
  });

  it("and was to be cancelled before its deadline ends as cancelled", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("F");
    await cancel();
    await sql(`update jobs set cancel_requested_at = now() - interval '1 minute' where id = $1`);
    await late();
    expect(await reconcile()).toBe("expire");
    const settling = await protocol.grip(attemptOf(job, "F", 2), null);
    await noteCancelStage(protocol.room.deps, settling, "stopped");
    expect(await settleJob(protocol.room.deps, settling, CANCELLED)).toEqual({ kind: "ended", status: "cancelled" });
  });

  it("and is cancelled after its deadline has failed, and the receipt says that it came too late", async () => {
    await stopping();
    await cancel();
    const settling = await protocol.grip(attemptOf(job, "F", 2), null);
    await settleJob(protocol.room.deps, settling, CANCELLED);
    expect(await row()).toMatchObject({ status: "failed", error_code: "deadline_exceeded" });
    const key = { id: job, tenant_id: protocol.room.tenant_id };
    expect(await readReceipt(protocol.room.database.em.fork(), key)).toMatchObject({ outcome: "too_late" });
  });
});

it("past the switch a deadline does nothing, not even where the switch came between look and write", async () => {
  await protocol.grip(attemptOf(job, "F", 1));
  protocol.temporal.current = runOf("F");
  await late();
  protocol.temporal.whileDescribing = () => sql(`update jobs set switched_at = now(), epoch = 1 where id = $1`);
  const before = await protocol.state(job);
  expect(await reconcile()).toBe("expire");
  expect((await protocol.state(job)).events).toBe(before.events);
  expect((await row()).deadline_stop_at).toBeNull();
  expect(await reconcile()).toBe("nothing");
  expect(protocol.temporal.cancelled).toEqual([]);
});

it("a reset of a job that is being stopped is stopped, too; one of a job that has ended goes on without a deadline", async () => {
  await stopping();
  protocol.temporal.current = runOf("A", { reset: true });
  expect(await reconcile()).toBe("adopt");
  expect(await reconcile()).toBe("cancel");
  await overdue();
  expect(await reconcile()).toBe("terminate");
  expect(await row()).toMatchObject({ status: "failed", error_code: "deadline_exceeded", generation: 2 });
  protocol.temporal.current = runOf("B", { reset: true });
  expect(await reconcile()).toBe("adopt");
  expect(await row()).toMatchObject({ status: "running", deadline_at: null, deadline_stop_at: null, generation: 3 });
  expect(await reconcile()).toBe("nothing");
});

describe("a retry of a job whose deadline is over", () => {
  const retry = (deadline?: string | null) => {
    const wish = deadline === undefined ? {} : { deadline_at: deadline };
    return retryJob(protocol.room.deps, { job_id: job, by: protocol.room.principal, ...wish });
  };
  beforeEach(async () => {
    await late();
    await reconcile();
  });

  it("is refused, for it would end at once", async () => {
    await expect(retry()).rejects.toMatchObject({ code: "deadline_over" });
  });

  it.each([
    ["another deadline", "2100-01-01T00:00:00.000Z"],
    ["none", null],
  ])("takes %s", async (_, deadline) => {
    await retry(deadline);
    const now = await row();
    expect(now).toMatchObject({ status: "queued", generation: 2, deadline_stop_at: null, deadline_over: false });
    expect(now.deadline_at && new Date(now.deadline_at).toISOString()).toBe(deadline);
  });
});
