/** Rules about runs that resets made: which of them may take the row, and whose the guard is then. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { momentsOf } from "../../src/jobs/job-moments.ts";
import { findJob } from "../../src/jobs/job-queries-store.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { attemptOf, createProtocolRoom, FAILED, runOf, type ProtocolRoom } from "../support/protocol-room.ts";
import { createDraft, jobRow, ledger, queueJob, type Draft } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let draft: Draft;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => ({ draft, job } = await protocol.renew()));

const enter = (run_id: string, attempt_at: number) =>
  enterStep(protocol.room.deps, attemptOf(job, run_id, attempt_at, { reset: true }), {
    step: "upload",
    message: "working",
  });
const another = async () => queueJob(protocol.room, await createDraft(protocol.room, { project: draft }));

describe("of two resets", () => {
  it("the run of the first does not adopt: the current run is another", async () => {
    await protocol.grip(attemptOf(job, "F", 1));
    protocol.temporal.current = runOf("B", { reset: true });
    const before = await protocol.state(job);
    expect(await enter("A", 2)).toEqual({ kind: "stop" });
    expect(await protocol.state(job)).toEqual(before);
    expect(await enter("B", 3)).toMatchObject({ kind: "entered", grip: { run_id: "B", generation: 2 } });
  });
});

describe("what a stream tells of a reset", () => {
  it("is where the new run goes on, as the row has it", async () => {
    await protocol.grip(attemptOf(job, "F", 1), "upload");
    protocol.temporal.current = runOf("A", { reset: true });
    protocol.temporal.behind = { activities: ["validate", "generateRelease"], carried: [] };
    await reconcileJob(protocol.room.deps, job);
    const { room } = protocol;
    const record = await findJob(room.database.em.fork(), { tenant_id: room.tenant_id, id: job });
    const moment = momentsOf(record!, await ledger(room, job)).at(-1);
    expect([record?.progress, moment?.progress]).toEqual([30, 30]);
  });
});

describe("the guard of a job that had ended and was reset", () => {
  beforeEach(async () => {
    await settleJob(protocol.room.deps, await protocol.grip(attemptOf(job, "F", 1)), FAILED);
    protocol.temporal.current = runOf("A", { reset: true });
  });

  it("is its own again when its activity adopts", async () => {
    expect(await enter("A", 2)).toMatchObject({ kind: "entered" });
    await expect(another()).rejects.toThrow("the guard is held");
  });

  it("is its own again when a reconciler adopts", async () => {
    expect(await reconcileJob(protocol.room.deps, job)).toBe("adopt");
    await expect(another()).rejects.toThrow("the guard is held");
  });

  it("stays with who holds it by now: the activity learns who", async () => {
    const holder = await another();
    expect(await enter("A", 2)).toEqual({ kind: "guard_lost", holder });
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "running", run_id: "A", generation: 2 });
  });
});

describe("a run that was reset behind its last activity", () => {
  const DONE = { message: "All done", result: { count: 3 } };
  const adopted = async () => {
    protocol.temporal.current = runOf("A", { reset: true });
    expect(await reconcileJob(protocol.room.deps, job)).toBe("adopt");
    protocol.temporal.current = runOf("A", { reset: true, open: false, status: "COMPLETED" });
    await reconcileJob(protocol.room.deps, job);
    return jobRow(protocol.room, job);
  };

  it.each(["completed", "partially_completed"] as const)("ends the job as it was %s before", async (status) => {
    const grip = await protocol.grip(attemptOf(job, "F", 1), "mark_published");
    await finishJob(protocol.room.deps, grip, { ...DONE, status });
    expect(await adopted()).toMatchObject({ ...DONE, status, generation: 2, progress: 100, error_code: null });
  });

  it("says that it ended without a word where the job was never done", async () => {
    await settleJob(protocol.room.deps, await protocol.grip(attemptOf(job, "F", 1)), FAILED);
    expect(await adopted()).toMatchObject({ status: "failed", error_code: "internal" });
  });
});
