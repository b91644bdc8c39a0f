import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { takeLease } from "../../src/jobs/lease-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { createReconciler } from "../../src/jobs/reconcile.ts";
import type { Log } from "../../src/log.ts";
import type { Execution } from "../../src/temporal.ts";
import { createDraft, createPublishing, jobRow, queueJob, until, type Publishing } from "../support/publishing.ts";
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

const attempt = { run_id: "F", attempt_at: 1, generation: 1, reset: false };
const open: Execution = { run_id: "F", open: true, status: "RUNNING", reset: false, generation: 1 };

/** A reconciler by a clock of the test, which counts its looks and keeps what it logs. */
function watched(options: { everyMs?: number } = {}) {
  const seen = { now: 0, looks: 0, away: false, log: [] as string[] };
  const note = (...args: unknown[]) => void seen.log.push(args.map((arg) => JSON.stringify(arg)).join(" "));
  const log = Object.create(room.deps.log, { info: { value: note }, warn: { value: note } }) as Log;
  const executions = {
    ...temporal,
    describe(id: string) {
      seen.looks += 1;
      return seen.away ? Promise.reject(new Error("Temporal is away")) : temporal.describe(id);
    },
  };
  const deps = { ...room.deps, log, executions };
  const reconciler = createReconciler(deps, { everyMs: 0, quietMs: 0, now: () => seen.now, ...options });
  return { seen, reconciler, round: () => reconciler.round({ patient: true }) };
}

/** As many more queued jobs, all of one draft: nobody here asks for the guard. */
async function queueMany(count: number): Promise<void> {
  const ids = Array.from({ length: count }, () => uuidv7());
  const sql = `
    insert into jobs (id, tenant_id, job_type, payload, project_id, version_id, environment, workflow_id)
    select n.id, tenant_id, job_type, payload, project_id, version_id, environment, 'publish-' || n.id
    from jobs, unnest($2::uuid[]) as n(id) where jobs.id = $1`;
  await query(room.database.em.fork(), sql, [job, ids]);
}

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
    await enterStep(room.deps, { job_id: job, ...attempt }, { step: "upload", message: "uploading" });
    temporal.current = open;
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

describe("the leader's patience", () => {
  it("looks at a job that nothing happens to after 1, 2, 4, … and at most 30 seconds", async () => {
    temporal.current = open;
    const { seen, round } = watched();
    const looked: number[] = [];
    for (; seen.now <= 100_000; seen.now += 500) if ((await round()) > 0) looked.push(seen.now / 1_000);
    expect(looked).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
  });

  it("ends when the job changes: a life sign, another run, a cancel", async () => {
    temporal.current = open;
    const { round } = watched();
    const db = room.database.em.fork();
    expect([await round(), await round()]).toEqual([1, 0]);
    await query(db, `update jobs set updated_at = clock_timestamp() where id = $1`, [job]);
    expect([await round(), await round()]).toEqual([1, 0]);
    await enterStep(room.deps, { job_id: job, ...attempt }, { step: "upload", message: "uploading" });
    expect([await round(), await round()]).toEqual([1, 0]);
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    expect([await round(), await round()]).toEqual([1, 0]);
  });

  it("a job that was started, adopted or settled is looked at in the next round", async () => {
    const { round } = watched();
    expect(await round()).toBe(1);
    temporal.current = open;
    expect([await round(), await round()]).toEqual([1, 0]);
  });

  it("a cancel is sent again after 1, 2, 4 and then every 5 seconds, however lively the job is, and told once", async () => {
    temporal.current = open;
    await enterStep(room.deps, { job_id: job, ...attempt }, { step: "upload", message: "uploading" });
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    temporal.cancelled.length = 0;
    const { seen, round } = watched();
    const sent: number[] = [];
    for (; seen.now <= 20_000; seen.now += 500) {
      await query(room.database.em.fork(), `update jobs set updated_at = clock_timestamp() where id = $1`, [job]);
      await round();
      for (const _ of temporal.cancelled.splice(0)) sent.push(seen.now / 1_000);
    }
    expect(sent).toEqual([0, 1, 3, 7, 12, 17]);
    expect(seen.log.filter((line) => line.includes("cancel"))).toHaveLength(1);
  });

  it("a round ends when every look fails: Temporal is away", async () => {
    await queueMany(150);
    const { seen, round } = watched();
    seen.away = true;
    await round();
    expect(seen.looks).toBe(50);
    // Those wait by now, and the others get their turn.
    await round();
    expect(seen.looks).toBe(100);
  });
});

describe("jobs that have just ended", () => {
  it("are reopened when an operator resets one and no worker runs", async () => {
    const entered = await enterStep(room.deps, { job_id: job, ...attempt }, { step: "upload", message: "uploading" });
    if (entered.kind !== "entered") throw new Error(entered.kind);
    await settleJob(room.deps, entered.grip, { status: "failed", code: "internal", message: "no luck" });
    temporal.current = { ...open, open: false, status: "FAILED" };
    await round(60_000);
    expect(await jobRow(room, job)).toMatchObject({ status: "failed", generation: 1 });
    temporal.current = { ...open, run_id: "A", reset: true };
    await round(60_000);
    expect(await jobRow(room, job)).toMatchObject({ status: "running", generation: 2, run_id: "A" });
  });
});

describe("the lease", () => {
  it("ends the round of a leader that has lost it", async () => {
    await queueMany(150);
    temporal.current = open;
    const db = room.database.em.fork();
    temporal.whileDescribing = async () => {
      seen.now += 2_000;
      const sql = `update leases set holder = 'another', expires_at = now() + interval '1 hour' where name = 'reconciler'`;
      await query(db, sql);
    };
    const { seen, reconciler } = watched({ everyMs: 3_600_000 });
    await until(
      "the round to end",
      async () => seen.looks > 100 || seen.log.some((line) => line.includes("ends here")),
    );
    expect(seen.looks).toBe(50);
    await reconciler.stop();
    await query(db, `delete from leases where name = 'reconciler'`);
  });

  it("has one holder at a time, and passes on when it expires", async () => {
    const db = room.database.em.fork();
    expect(await takeLease(db, { name: "test", holder: "a", seconds: 60 })).toBe(true);
    expect(await takeLease(db, { name: "test", holder: "b", seconds: 60 })).toBe(false);
    expect(await takeLease(db, { name: "test", holder: "a", seconds: 0 })).toBe(true);
    await query(db, "select pg_sleep(0.01)");
    expect(await takeLease(db, { name: "test", holder: "b", seconds: 60 })).toBe(true);
  });
});
