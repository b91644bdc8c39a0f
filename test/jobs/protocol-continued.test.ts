/** Rules about runs that continue as new: the row is the next run's, the generation the same; a reset of any of them is told as one. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { attemptOf, createProtocolRoom, runOf, type ProtocolRoom } from "../support/protocol-room.ts";
import { jobRow, ledger } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => ({ job } = await protocol.renew()));

const next = (run_id: string, attempt_at: number, segment: number, generation = 1) =>
  attemptOf(job, run_id, attempt_at, { reset: true, segment, generation });
const enter = (attempt: ReturnType<typeof attemptOf>) =>
  enterStep(protocol.room.deps, attempt, { step: "validate", message: "working", keeps: "progress" });

describe("a run that continues the row's own", () => {
  it("takes the row over in the same generation, and tells nothing: the step went on", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    const before = await ledger(protocol.room, job);
    expect(await enter(next("C", 2, 1))).toMatchObject({ kind: "entered", again: true, grip: { generation: 1 } });
    expect(await jobRow(protocol.room, job)).toMatchObject({
      run_id: "C",
      segment: 1,
      generation: 1,
      status: "running",
    });
    expect(await ledger(protocol.room, job)).toEqual(before);
  });

  it("leaves nothing to an attempt of the run before", async () => {
    const old = await protocol.grip(attemptOf(job, "F", 1));
    await enter(next("C", 2, 1));
    protocol.temporal.current = runOf("C", { reset: true, segment: 1 });
    await expect(logEntry(protocol.room.deps, old, { level: "info", message: "late" })).rejects.toThrow();
    expect(await enter(attemptOf(job, "F", 3))).toEqual({ kind: "end", status: "superseded" });
  });

  it("is left alone by the reconciler before it has entered", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("C", { reset: true, segment: 1 });
    const before = await protocol.state(job);
    expect(await reconcileJob(protocol.room.deps, job)).toBe("nothing");
    expect(await protocol.state(job)).toEqual(before);
  });

  it("that cannot begin is told as stuck, though the row names the run before, until it goes on", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    const attention = async () => (await jobRow(protocol.room, job)).attention?.code ?? null;
    protocol.temporal.trouble = { since: null, cause: "WORKFLOW_WORKER_UNHANDLED_FAILURE", message: "no" };
    const task = { workflow_task: { attempt: 3, since: null } };
    protocol.temporal.current = runOf("C", { reset: true, segment: 1, ...task });
    expect(await reconcileJob(protocol.room.deps, job)).toBe("nothing");
    expect(await attention()).toBe("stuck");
    expect(await jobRow(protocol.room, job)).toMatchObject({
      status: "running",
      run_id: "F",
      segment: 0,
      generation: 1,
    });
    protocol.temporal.current = runOf("C", { reset: true, segment: 1 });
    await reconcileJob(protocol.room.deps, job);
    expect(await attention()).toBeNull();
    expect(await enter(next("C", 2, 1))).toMatchObject({ kind: "entered", grip: { generation: 1 } });
  });

  it("that was terminated before it entered is settled, and a reset of it reopens the job", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("C", { reset: true, segment: 1, open: false, status: "TERMINATED" });
    expect(await reconcileJob(protocol.room.deps, job)).toBe("settle");
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "cancelled", run_id: "C", segment: 1 });
    protocol.temporal.current = runOf("A", { reset: true, segment: 1 });
    expect(await enter(next("A", 2, 1))).toMatchObject({ kind: "entered", grip: { generation: 2, run_id: "A" } });
  });
});

describe("a run that continues the row's own and has no worker to enter", () => {
  const sql = (text: string) => query(protocol.room.database.em.fork(), text, [job]);
  const reconcile = () => reconcileJob(protocol.room.deps, job);
  beforeEach(async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("C", { reset: true, segment: 1 });
  });

  it("is cancelled as the row's own, and terminated where nobody stops it", async () => {
    await cancelJob(protocol.room.deps, { job_id: job, by: protocol.room.principal, deadline_seconds: 60 });
    protocol.temporal.cancelled.length = 0;
    expect(await reconcile()).toBe("cancel");
    expect(protocol.temporal.cancelled.map(({ run_id }) => run_id)).toEqual(["C"]);
    await sql(`update jobs set cancel_deadline_at = now() - interval '1 second' where id = $1`);
    expect(await reconcile()).toBe("terminate");
    expect(protocol.temporal.terminated.map(({ run_id }) => run_id)).toEqual(["C"]);
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "cancelled", run_id: "C", segment: 1 });
  });

  it("is stopped for the job's deadline", async () => {
    await sql(`update jobs set deadline_at = now() - interval '1 second' where id = $1`);
    expect(await reconcile()).toBe("expire");
    expect(protocol.temporal.cancelled.map(({ run_id }) => run_id)).toEqual(["C"]);
    await sql(`update jobs set deadline_stop_at = now() - interval '1 second' where id = $1`);
    expect(await reconcile()).toBe("terminate");
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "failed", error_code: "deadline_exceeded" });
  });
});

describe("a reset in a chain", () => {
  it("of the run before adopts, as the next generation, and the chain's old run cannot come back", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    await enter(next("C", 2, 1));
    protocol.temporal.current = runOf("A", { reset: true, segment: 0 });
    expect(await enter(next("A", 3, 0))).toMatchObject({ kind: "entered", grip: { generation: 2 } });
    expect(await jobRow(protocol.room, job)).toMatchObject({ run_id: "A", segment: 0, generation: 2 });
    // An attempt of the old chain that wakes up now has the number of the one to come, and another generation.
    expect(await enter(next("C", 4, 1))).toEqual({ kind: "stop" });
    expect(await enter(next("B", 5, 1, 2))).toMatchObject({ kind: "entered", grip: { generation: 2, run_id: "B" } });
  });

  it("of the newest adopts, too", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    await enter(next("C", 2, 1));
    protocol.temporal.current = runOf("A", { reset: true, segment: 1 });
    expect(await reconcileJob(protocol.room.deps, job)).toBe("adopt");
    expect(await jobRow(protocol.room, job)).toMatchObject({ run_id: "A", segment: 1, generation: 2 });
  });
});
