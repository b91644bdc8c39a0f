import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { leaseWatermark, takeLease } from "../../src/jobs/lease-store.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { createReconciler } from "../../src/jobs/reconcile.ts";
import type { ListedRun } from "../../src/temporal.ts";
import { closedRun, crowdOf, leaderOf, listedRun, NOW } from "../support/leader.ts";
import { attemptOf, createProtocolRoom, runOf, type ProtocolRoom } from "../support/protocol-room.ts";
import { createDraft, jobRow, queueJob, until } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => {
  const db = protocol.room.database.em.fork();
  await query(db, "update jobs set status = 'failed' where status in ('queued', 'running')");
  await query(db, "delete from leases");
  ({ job } = await protocol.renew());
  protocol.temporal.visible = { changed: [], open: [], paused: [] };
});

const listed = (run_id: string, more: Partial<ListedRun> = {}) => listedRun(job, run_id, more);
const closed = (run_id: string) => closedRun(job, run_id);
const leader = (options: { quietMs?: number } = {}) => leaderOf(protocol, job, options);
const crowd = () => crowdOf(protocol, job);

async function running(run = "F"): Promise<void> {
  await protocol.grip(attemptOf(job, run, 1), "upload");
}

describe("a run that visibility lists", () => {
  it("as closed settles its job, however lively that was, and is looked at once", async () => {
    await running();
    const { seen, round } = leader();
    await round();
    expect(seen.looks).toBe(0);
    protocol.temporal.current = runOf("F", { open: false, status: "TERMINATED" });
    protocol.temporal.closing = { kind: "terminated", by: "ada@web-ui", reason: "wrong version" };
    protocol.temporal.visible!.changed = [closed("F")];
    await round();
    expect(await jobRow(protocol.room, job)).toMatchObject({
      ...{ status: "cancelled", error_code: "terminated_by_operator" },
      message: expect.stringContaining("terminated in Temporal by ada@web-ui: wrong version."),
    });
    await round();
    expect(seen.looks).toBe(1);
  });

  it("as its job has it costs no look: a start, an ordinary end, the old run of a reset", async () => {
    const { seen, round } = leader();
    protocol.temporal.visible!.changed = [listed("F")];
    await round();
    await running("A");
    protocol.temporal.visible!.changed = [closed("F"), listed("A")];
    await round();
    const grip = await protocol.grip(attemptOf(job, "A", 2), "upload");
    await settleJob(protocol.room.deps, grip, { status: "failed", code: "internal", message: "no luck" });
    protocol.temporal.visible!.changed = [closed("A")];
    await round();
    expect(seen.looks).toBe(0);
  });

  it("as a reset's reopens its job that ended long ago", async () => {
    const grip = await protocol.grip(attemptOf(job, "F", 1), "upload");
    await settleJob(protocol.room.deps, grip, { status: "failed", code: "internal", message: "no luck" });
    await query(protocol.room.database.em.fork(), `update jobs set completed_at = now() - interval '9 days'`);
    protocol.temporal.current = runOf("A", { reset: true });
    protocol.temporal.behind = { activities: ["validate", "generateRelease"], carried: [] };
    protocol.temporal.visible!.changed = [listed("A")];
    await leader().round();
    expect(await jobRow(protocol.room, job)).toMatchObject({
      ...{ status: "running", generation: 2, run_id: "A", step: "upload", progress: 30 },
    });
  });

  it("is looked at again when it could not be described", async () => {
    await running();
    const { seen, round } = leader();
    protocol.temporal.current = runOf("F", { open: false, status: "TERMINATED" });
    protocol.temporal.visible!.changed = [closed("F")];
    protocol.temporal.whileDescribing = () => Promise.reject(new Error("Temporal hiccups"));
    await round();
    expect((await jobRow(protocol.room, job)).status).toBe("running");
    seen.now += 10_000;
    await round();
    expect((await jobRow(protocol.room, job)).status).toBe("cancelled");
  });
});

describe("the list of all open runs", () => {
  it("finds what is not in it: deleted, or never started", async () => {
    const other = await queueJob(protocol.room, await createDraft(protocol.room));
    await running();
    protocol.temporal.visible!.open = await crowd();
    const { round } = leader({ quietMs: 0 });
    await round();
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "failed", error_code: "execution_lost" });
    expect(protocol.temporal.started.map(({ workflow_id }) => workflow_id)).toContain(`publish-${other}`);
  });

  it("is asked for when their number is not what it should be, and else once a minute", async () => {
    await running();
    protocol.temporal.current = runOf("F");
    protocol.temporal.visible!.open = [...(await crowd()), listed("F")];
    const { seen, round } = leader({ quietMs: 0 });
    const listings = async (now: number): Promise<number> => {
      seen.now = now;
      await round();
      return seen.listings;
    };
    expect([await listings(0), await listings(1_000), await listings(2_000)]).toEqual([1, 1, 1]);
    // One more started, and is listed as such.
    const more = listed("G", { workflow_id: "publish-elsewhere" });
    protocol.temporal.visible!.open.push(more);
    protocol.temporal.visible!.changed = [more];
    expect(await listings(3_000)).toBe(1);
    // One is gone, and nobody says so.
    protocol.temporal.visible!.open.pop();
    expect([await listings(4_000), await listings(5_000)]).toEqual([2, 2]);
    expect(await listings(64_500)).toBe(3);
  });

  it("finds an open run that its job does not name, and costs nothing where all is well", async () => {
    await running();
    const { seen, round } = leader({ quietMs: 0 });
    protocol.temporal.current = runOf("F");
    protocol.temporal.visible!.open = [listed("F")];
    await round();
    const walked = seen.looks;
    expect(walked).toBeLessThanOrEqual(1);
    protocol.temporal.current = runOf("A", { reset: true });
    protocol.temporal.visible!.open = [listed("A")];
    seen.now += 61_000;
    await round();
    expect(await jobRow(protocol.room, job)).toMatchObject({ generation: 2, run_id: "A" });
  });
});

describe("while visibility does not answer", () => {
  it("jobs are described one by one, and that is told once; and once when it is back", async () => {
    await running();
    await crowd();
    const { seen, round } = leader({ quietMs: 0 });
    protocol.temporal.visible = null;
    protocol.temporal.current = runOf("F");
    await round();
    expect(seen.allLooks).toBeGreaterThanOrEqual(26);
    expect(seen.looks).toBe(1);
    protocol.temporal.current = runOf("F", { open: false, status: "TIMED_OUT" });
    seen.now += 2_000;
    await round();
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "failed", error_code: "timed_out" });
    protocol.temporal.visible = { changed: [], open: [], paused: [] };
    await round();
    const told = seen.log.filter((line) => line.includes("listing what has changed"));
    expect(told.map((line) => line.includes("works again"))).toEqual([false, true]);
  });
});

describe("the watermark", () => {
  it("is Temporal's newest moment, and lists some seconds again: visibility is late", async () => {
    const { seen, round } = leader();
    await round();
    expect(Math.abs((seen.since[0] ?? 0) - (Date.now() - 3_610_000))).toBeLessThan(60_000);
    protocol.temporal.visible!.changed = [closed("F")];
    await round();
    protocol.temporal.visible!.changed = [];
    await round();
    expect(seen.since[2]).toBe(NOW + 5_000 - 10_000);
  });

  it("is gone by to the millisecond once nothing has come for as long, until something does", async () => {
    const { seen, round } = leader();
    protocol.temporal.visible!.changed = [closed("F")];
    await round();
    seen.now += 10_001;
    await round();
    protocol.temporal.visible!.changed = [listed("G", { workflow_id: "publish-elsewhere", started_at: NOW + 60_000 })];
    await round();
    await round();
    expect(seen.since.slice(1)).toEqual([NOW + 5_001, NOW + 5_001, NOW + 50_000]);
  });

  it("is left in the lease for the next leader, who goes on there", async () => {
    const { room, temporal } = protocol;
    const db = room.database.em.fork();
    temporal.visible!.changed = [closed("F")];
    const first = createReconciler(room.deps, { everyMs: 200, quietMs: 60_000 });
    await until("the watermark", async () => (await leaseWatermark(db, "reconciler")) === NOW + 5_000);
    await first.stop();
    await query(db, `update leases set expires_at = now() - interval '1 second'`);
    const since: number[] = [];
    const executions = {
      ...temporal,
      listChanged(from: number) {
        since.push(from);
        return temporal.listChanged(from);
      },
    };
    const second = createReconciler({ ...room.deps, executions }, { everyMs: 200, quietMs: 60_000 });
    await until("the next leader's first round", async () => since.length > 0);
    await second.stop();
    expect(since[0]).toBe(NOW + 5_000 - 10_000);
  });

  it("stays where it is when a holder renews without one", async () => {
    const db = protocol.room.database.em.fork();
    const lease = { name: "test", holder: "a", seconds: 60 };
    await takeLease(db, { ...lease, watermark: NOW });
    await takeLease(db, lease);
    expect(await leaseWatermark(db, "test")).toBe(NOW);
    expect(await leaseWatermark(db, "nobody's")).toBeNull();
  });
});

describe("a cancel whose deadline has passed", () => {
  const overdue = async (): Promise<void> => {
    await query(
      protocol.room.database.em.fork(),
      `update jobs set cancel_requested_at = now() - interval '2 minutes', cancel_deadline_at = now() - interval '1 minute',
       cancel_acknowledged_at = '2026-01-01' where id = $1`,
      [job],
    );
  };

  it("terminates that run, and the receipt says so", async () => {
    await running();
    protocol.temporal.current = runOf("F");
    await overdue();
    await leader().round();
    expect(protocol.temporal.terminated).toMatchObject([{ workflow_id: `publish-${job}`, run_id: "F" }]);
    const row = await jobRow(protocol.room, job);
    expect(row).toMatchObject({ status: "cancelled", error_code: "cancelled" });
    expect(new Date(row.cancel_acknowledged_at ?? "").getUTCFullYear()).toBe(2026);
    for (const stage of ["stopped", "compensated", "terminated"] as const) {
      expect(row[`cancel_${stage}_at`]).not.toBeNull();
    }
  });

  it("terminates nothing that has switched", async () => {
    await running();
    await overdue();
    const db = protocol.room.database.em.fork();
    await query(db, `update jobs set switched_at = now(), epoch = 1 where id = $1`, [job]);
    protocol.temporal.current = runOf("F");
    await leader().round();
    expect(protocol.temporal.terminated).toEqual([]);
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "running", cancel_terminated_at: null });
  });

  it("terminates only the run that the row names: a reset's once the row has it", async () => {
    await running();
    await overdue();
    protocol.temporal.current = runOf("A", { reset: true });
    const { room } = protocol;
    expect(await reconcileJob(room.deps, job)).toBe("adopt");
    expect(protocol.temporal.terminated).toEqual([]);
    expect(await reconcileJob(room.deps, job)).toBe("terminate");
    expect(protocol.temporal.terminated).toMatchObject([{ run_id: "A" }]);
    expect(await jobRow(room, job)).toMatchObject({ status: "cancelled", generation: 2, run_id: "A" });
  });

  it("says of a run that was terminated for it meanwhile what it was: the next leader finds it closed", async () => {
    await running();
    await overdue();
    protocol.temporal.current = runOf("F");
    await protocol.temporal.terminate(`publish-${job}`, "F", "an operator was faster");
    await leader().round();
    expect(await jobRow(protocol.room, job)).toMatchObject({
      ...{ status: "cancelled", error_code: "terminated_by_operator", cancel_terminated_at: null },
    });
  });
});

describe("a run that has failed without settling its job", () => {
  it.each([
    { closing: { kind: "failed", code: "store_full", message: "The store is full. Make room." }, code: "store_full" },
    { closing: { kind: "failed", code: null, message: "planted" }, code: "internal" },
    { closing: { kind: "failed", code: "job_ended", message: "The job is over." }, code: "internal" },
    { closing: null, code: "internal" },
  ] as const)("ends as $code when its history says $closing", async ({ closing, code }) => {
    await running();
    protocol.temporal.current = runOf("F", { open: false, status: "FAILED" });
    protocol.temporal.closing = closing;
    protocol.temporal.visible!.changed = [closed("F")];
    await leader().round();
    const row = await jobRow(protocol.room, job);
    expect(row).toMatchObject({ status: "failed", error_code: code });
    if (closing) expect(row.message).toContain(closing.message.replace(/\.$/, ""));
  });
});

describe("steps without a worker", () => {
  it("an entered attempt of an adopted job shows where it goes on", async () => {
    await running();
    protocol.temporal.current = runOf("A", { reset: true });
    protocol.temporal.visible!.changed = [listed("A")];
    await leader().round();
    expect(await jobRow(protocol.room, job)).toMatchObject({ step: "validate", progress: 0 });
    const entered = await enterStep(protocol.room.deps, attemptOf(job, "A", 9, { reset: true }), {
      ...{ step: "validate", message: "again" },
    });
    expect(entered.kind).toBe("entered");
    const row = await jobRow(protocol.room, job);
    expect(row.steps.map(({ status }) => status)).toEqual(["running", "pending", "pending", "pending", "pending"]);
  });
});
