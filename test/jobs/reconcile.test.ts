import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { takeLease } from "../../src/jobs/lease-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { createReconciler } from "../../src/jobs/reconcile.ts";
import { createDraft, createPublishing, jobRow, queueJob, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions, type ScriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
let temporal: ScriptedExecutions;
let job: string;

beforeAll(async () => {
  temporal = scriptedExecutions();
  room = await createPublishing({ executions: temporal });
});
afterAll(() => room?.close());
beforeEach(async () => {
  temporal.reset();
  await query(room.database.em.fork(), "update jobs set status = 'failed' where status in ('queued', 'running')");
  job = await queueJob(room, await createDraft(room));
});

const round = (quietMs: number) => createReconciler(room.deps, { everyMs: 0, quietMs }).round();

describe("a round of the reconciler", () => {
  it("starts what a gateway inserted and did not start", async () => {
    expect(await round(0)).toBe(1);
    expect(temporal.started).toEqual([{ workflow_id: `publish-${job}`, generation: 1 }]);
  });

  it("leaves a young job to its gateway", async () => {
    expect(await round(60_000)).toBe(0);
    expect(temporal.started).toEqual([]);
  });

  it("sends a cancel again that Temporal did not hear, however lively the job is", async () => {
    const attempt = { job_id: job, run_id: "F", attempt_at: 1, generation: 1, reset: false };
    await enterStep(room.deps, attempt, { step: "upload", message: "uploading" });
    temporal.current = { run_id: "F", open: true, status: "RUNNING", reset: false, generation: 1 };
    temporal.whileCancelling = () => Promise.reject(new Error("Temporal is away"));
    await expect(cancelJob(room.deps, { job_id: job, by: room.principal })).rejects.toThrow("away");
    expect(await round(60_000)).toBe(1);
    expect(temporal.cancelled).toEqual([{ workflow_id: `publish-${job}`, run_id: "F" }]);
  });

  it("goes on when one job cannot be reconciled", async () => {
    const other = await queueJob(room, await createDraft(room));
    temporal.whileDescribing = () => Promise.reject(new Error("Temporal hiccups"));
    expect(await round(0)).toBe(2);
    expect(temporal.started.length).toBe(1);
    expect((await jobRow(room, other)).status).toBe("queued");
  });
});

describe("the lease", () => {
  it("has one holder at a time, and passes on when it expires", async () => {
    const db = room.database.em.fork();
    expect(await takeLease(db, { name: "test", holder: "a", seconds: 60 })).toBe(true);
    expect(await takeLease(db, { name: "test", holder: "b", seconds: 60 })).toBe(false);
    expect(await takeLease(db, { name: "test", holder: "a", seconds: 0 })).toBe(true);
    await query(db, "select pg_sleep(0.01)");
    expect(await takeLease(db, { name: "test", holder: "b", seconds: 60 })).toBe(true);
  });
});
