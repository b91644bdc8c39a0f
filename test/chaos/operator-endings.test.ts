/** How Temporal ends a publish without code of ours, told by the leader's own rounds: who, why, which limit. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { query, queryOne } from "../../src/db.ts";
import { taskQueue } from "../../src/temporal.ts";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { deleteWorkflow, pendingActivity, reset, terminate, workflowStatus } from "../support/operator.ts";
import { jobRow, SMALL, until } from "../support/publishing.ts";

/** 3 s are promised; the rest is for a machine that runs other tests too. */
const TOLD_MS = 6_000;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  room.reconcile(1_000);
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

const small = () => room.draft({ descriptor: SMALL });
const errorOf = async (job: string): Promise<string> => {
  const sql = `select error from jobs where id = $1`;
  return (await queryOne<{ error: string }>(room.database.em.fork(), sql, [job]))?.error ?? "";
};

/** A publish that waits for a worker, in its second step's activity. */
async function waiting() {
  const worker = await room.worker();
  const draft = await small();
  const recorder = room.record(draft);
  const { job, gate } = await room.publishUpTo(draft, "generate_release");
  await worker.kill();
  await gate.open();
  await until("the step to begin", async () => (await jobRow(room, job)).step === "generate_release");
  return { draft, recorder, job };
}

describe("the leader", { timeout: 120_000 }, () => {
  it("tells a terminate within seconds, with who and why, and the guard is free", async () => {
    const { draft, recorder, job } = await waiting();
    await terminate(room, job);
    expect(await room.ended(job, TOLD_MS)).toMatchObject({ status: "cancelled", error_code: "terminated_by_operator" });
    expect(await errorOf(job)).toMatch(/^The workflow was terminated in Temporal by \S+: chaos\. Retry/);
    expect(await guardOf(room, draft)).toBeNull();
    await expectNothingPublic(room, draft, recorder);
    await expectSoundLedger(room, job, ["cancelled"]);
  });

  it("tells that a workflow was deleted", async () => {
    const { draft, job } = await waiting();
    await deleteWorkflow(room, job);
    expect(await room.ended(job, TOLD_MS)).toMatchObject({ status: "failed", error_code: "execution_lost" });
    expect(await guardOf(room, draft)).toBeNull();
    await expectSoundLedger(room, job, ["failed"]);
  });

  it.each([
    { limit: "run", options: { workflowRunTimeout: "2s" } },
    { limit: "execution", options: { workflowExecutionTimeout: "2s" } },
  ] as const)("tells which limit was reached: the $limit timeout", async ({ limit, options }) => {
    const job = await room.publish(await small(), { start: false });
    const job_type = "publish";
    await room.temporal.client.workflow.start(JOB_TYPES[job_type].workflow, {
      workflowId: workflowId(job_type, job),
      taskQueue: taskQueue(job_type, room.temporal.taskQueuePrefix),
      memo: { generation: 1 },
      ...options,
    });
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "timed_out" });
    expect(await errorOf(job)).toContain(`(${limit} timeout of 2 s)`);
  });

  it("reopens a job that ended long ago and was reset, without any worker, and shows where it will go on", async () => {
    const worker = await room.worker();
    const draft = await room.draft();
    const job = await room.publish(draft);
    expect(await room.ended(job)).toMatchObject({ status: "completed" });
    await until("the workflow to close", async () => (await workflowStatus(room, job)) === "COMPLETED");
    await worker.kill();
    const db = room.database.em.fork();
    await query(db, `update jobs set completed_at = now() - interval '9 days', updated_at = now() - interval '9 days'`);

    const run = await reset(room, job, "verifyTiles");
    const row = await until(
      "generation 2",
      async () => {
        const found = await jobRow(room, job);
        return found.generation === 2 && found;
      },
      TOLD_MS,
    );
    expect(row).toMatchObject({ status: "running", run_id: run, step: "verify_tiles", progress: 50 });
    expect(row.steps.map(({ status }) => status)).toEqual(["done", "done", "done", "pending", "pending"]);
    await room.worker();
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "completed", generation: 2, epoch: 1 });
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed", "completed"]);
  });

  it("terminates what was to be cancelled and did not stop in time", async () => {
    const { draft, recorder, job } = await waiting();
    const sql = `
      update jobs set cancel_requested_at = now(), cancel_requested_by = $2, cancel_deadline_at = now() + interval '2 seconds'
      where id = $1`;
    await query(room.database.em.fork(), sql, [job, room.principal.id]);
    const row = await room.ended(job);
    expect(row).toMatchObject({ status: "cancelled", error_code: "cancelled" });
    for (const stage of ["acknowledged", "stopped", "compensated", "terminated"] as const) {
      expect(row[`cancel_${stage}_at`]).not.toBeNull();
    }
    expect(await errorOf(job)).toContain("no worker stopped it before the deadline");
    expect(await workflowStatus(room, job)).toBe("TERMINATED");
    expect(await guardOf(room, draft)).toBeNull();
    await expectNothingPublic(room, draft, recorder);
    await expectSoundLedger(room, job, ["cancelled"]);
  });

  it("starts a queued job that no gateway has started", async () => {
    const job = await room.publish(await small(), { start: false });
    await until(
      "the workflow",
      async () => (await room.executions.describe(workflowId("publish", job)))?.open,
      TOLD_MS,
    );
    expect(await pendingActivity(room, job)).toBeNull();
  });
});
