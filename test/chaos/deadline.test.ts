/** Deadlines on the real server: what waits, what runs and what has switched, with workers and without. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import {
  createChaosRoom,
  eventOf,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, jobRow, until } from "../support/publishing.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";

/** The reconciler looks every second, a cancel takes at most three. */
const STOP_MS = 8_000;

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

const late = (job: string) =>
  query(room.database.em.fork(), `update jobs set deadline_at = now() where id = $1`, [job]);
const handleOf = async (job: string) => room.temporal.client.workflow.getHandle((await jobRow(room, job)).workflow_id);
const statusOf = async (job: string) => (await (await handleOf(job)).describe()).status.name;
const closing = async (job: string) => {
  const { events } = await (await handleOf(job)).fetchHistory();
  return events?.at(-1)?.workflowExecutionFailedEventAttributes?.failure;
};

describe("a deadline", { timeout: 120_000 }, () => {
  it("stops a running upload, which has failed in the row, in Temporal and for the next publish; a retry completes it", async () => {
    await room.worker({ entry: HELD_WORKER });
    const reconciler = room.reconcile(1_000);
    const draft = await room.draft();
    const recorder = room.record(draft);
    const { job, gate } = await room.publishUpTo(draft, "upload");
    const held = await holdBack(await sourceTile(room, draft, 130));
    await gate.open();
    await until("128 tiles to be uploaded", async () => (await jobRow(room, job)).progress > 30);

    await late(job);
    const passed = Date.now();
    const row = await room.ended(job);
    expect(Date.now() - passed).toBeLessThan(STOP_MS);
    expect(row).toMatchObject({ status: "failed", error_code: "deadline_exceeded", switched_at: null, generation: 1 });
    await until("the workflow to close", async () => (await statusOf(job)) === "FAILED");
    expect((await closing(job))?.applicationFailureInfo?.type).toBe("deadline_exceeded");
    await expectNothingPublic(room, draft, recorder);
    await expectSoundLedger(room, job, ["failed"]);
    expect(await guardOf(room, draft)).toBeNull();

    await held.restore();
    await retryJob(room.deps, { job_id: job, by: room.principal, deadline_at: null });
    expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 2 });
    await expectReleasedOnce(room, draft, [job]);
    await reconciler.stop();
  });

  it("ends a job that no worker takes, and the worker that comes too late does not begin it", async () => {
    const reconciler = room.reconcile(500);
    const draft = await createDraft(room);
    const deadline_at = new Date(Date.now() + 1_000).toISOString();
    const sample = { type: "maintenance", payload: { dry_run: true }, terms: { deadline_at } } as const;
    const job = await startSample(room, draft, sample);
    const row = await room.ended(job);
    expect(row).toMatchObject({ status: "failed", error_code: "deadline_exceeded", run_id: null });
    await room.worker();
    await until("its run to end", async () => (await statusOf(job)) === "FAILED", 60_000);
    expect(await jobRow(room, job)).toMatchObject({ status: "failed", seq: row.seq });
    await expectSoundLedger(room, job, ["failed"]);
    await reconciler.stop();
  });

  it("terminates a job whose worker died, and retries begin it anew", async () => {
    await room.worker();
    const draft = await createDraft(room);
    const job = await startSample(room, draft, { type: "maintenance", payload: { dry_run: true }, start: false });
    const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: "sweep", status: "running" } });
    await startJob(room.deps, job, 1);
    await gate.reached();
    await room.killWorkers();
    await gate.open();
    await until("it to run", async () => (await jobRow(room, job)).status === "running");
    await late(job);
    const reconciler = room.reconcile(500);
    await until("it to be told", async () => (await jobRow(room, job)).deadline_stop_at !== null);
    await query(room.database.em.fork(), `update jobs set deadline_stop_at = now() where id = $1`, [job]);
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "deadline_exceeded" });
    expect(await statusOf(job)).toBe("TERMINATED");
    await reconciler.stop();
    await room.worker();
    await retryJob(room.deps, { job_id: job, by: room.principal, deadline_at: null });
    expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 2 });
  });

  it("past the switch does nothing: the publish is completed", async () => {
    await room.worker();
    const draft = await createDraft(room);
    const job = await room.publish(draft, { start: false });
    const deadline = new Date(Date.now() + 5_000).toISOString();
    await query(room.database.em.fork(), `update jobs set deadline_at = $2 where id = $1`, [job, deadline]);
    const gate = await room.gates.close({ job_id: job, ...eventOf("switched") });
    await startJob(room.deps, job, 1);
    await gate.reached();
    await until("the deadline to pass", async () => (await jobRow(room, job)).deadline_over);
    // It has read a row that has not switched, and waits for the one that has.
    const round = room.reconciler.round();
    await gate.open();
    await round;
    await room.reconciler.round();
    expect(await room.ended(job)).toMatchObject({ status: "completed", deadline_stop_at: null });
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
  });
});
