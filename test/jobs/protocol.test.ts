/**
 * The rules of the publish protocol, one test each: leave the rule out of the code and its test fails (`npm run mutations`).
 * Runs are F (fresh), A and B (made by resets or retries); attempts are numbered by the server's clock.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attempt, Entered, Grip } from "../../src/jobs/protocol/attempt.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { published } from "../../src/jobs/protocol/project.ts";
import { leaveStep, logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { switchRelease } from "../../src/jobs/protocol/switch.ts";
import type { Execution } from "../../src/temporal.ts";
import { query, transaction } from "../../src/db.ts";
import {
  createDraft,
  createPublishing,
  jobRow,
  ledger,
  queueJob,
  type Draft,
  type Publishing,
} from "../support/publishing.ts";
import { scriptedExecutions, type ScriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
let temporal: ScriptedExecutions;
let draft: Draft;
let job: string;

beforeAll(async () => {
  temporal = scriptedExecutions();
  room = await createPublishing({ executions: temporal });
});
afterAll(() => room?.close());
beforeEach(async () => {
  temporal.reset();
  draft = await createDraft(room);
  job = await queueJob(room, draft);
});

const attempt = (run_id: string, attempt_at: number, more: Partial<Attempt> = {}): Attempt => ({
  job_id: job,
  run_id,
  attempt_at,
  generation: 1,
  reset: false,
  ...more,
});
const run = (run_id: string, more: Partial<Execution> = {}): Execution => ({
  run_id,
  open: true,
  status: "RUNNING",
  reset: false,
  generation: 1,
  ...more,
});
const enter = (who: Attempt, step: string | null = "validate") =>
  enterStep(room.deps, who, { step, message: "working" });
async function grip(who: Attempt, step: string | null = "validate"): Promise<Grip> {
  const entered: Entered = await enter(who, step);
  if (entered.kind !== "entered") throw new Error(`did not enter: ${JSON.stringify(entered)}`);
  return entered.grip;
}
const ending = { status: "failed" as const, code: "internal", message: "It failed." };
const superseded = { code: "superseded" };

/** The row and how long its ledger is: equal before and after means that nothing was written. */
async function state() {
  return { row: await jobRow(room, job), events: (await ledger(room, job)).length };
}

describe("start", () => {
  it("never writes the row: a start that lands late cannot name an old run", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("A", { reset: true });
    await grip(attempt("A", 2, { reset: true }));
    const before = await state();
    await startJob(room.deps, job, 1);
    expect(await state()).toEqual(before);
    expect(before.row.run_id).toBe("A");
  });
});

describe("attempts of one run", () => {
  it("a timed-out attempt writes nothing after its successor has entered", async () => {
    const old = await grip(attempt("F", 1));
    await grip(attempt("F", 2));
    const before = await state();
    await expect(leaveStep(room.deps, old, "validate", "late")).rejects.toMatchObject(superseded);
    await expect(logEntry(room.deps, old, { level: "info", message: "late" })).rejects.toMatchObject(superseded);
    await expect(settleJob(room.deps, old, ending)).rejects.toMatchObject(superseded);
    expect(await enter(attempt("F", 1))).toEqual({ kind: "stop" });
    expect(await state()).toEqual(before);
  });
});

describe("claims and adoptions", () => {
  it("a fresh run of an older generation ends without a trace, as Temporal knows a newer one", async () => {
    const first = await grip(attempt("F", 1));
    await settleJob(room.deps, first, ending);
    await retryJob(room.deps, { job_id: job, by: room.principal });
    await grip(attempt("B", 3, { generation: 2 }));
    const before = await state();
    temporal.current = run("B");
    expect(await enter(attempt("F", 2))).toEqual({ kind: "end", status: "superseded" });
    expect(await state()).toEqual(before);
  });

  it("a job that was cancelled before its start does not run", async () => {
    expect(await cancelJob(room.deps, { job_id: job, by: room.principal })).toBe("cancelled");
    const before = await state();
    temporal.current = run("F");
    expect(await enter(attempt("F", 1))).toEqual({ kind: "end", status: "cancelled" });
    expect(await state()).toEqual(before);
  });

  it("the start of generation 1 that lands late does not take the row of generation 2", async () => {
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    await retryJob(room.deps, { job_id: job, by: room.principal });
    const before = await state();
    temporal.current = run("F");
    expect(await enter(attempt("F", 1))).toEqual({ kind: "end", status: "superseded" });
    expect(await state()).toEqual(before);
    expect(await enter(attempt("B", 2, { generation: 2 }))).toMatchObject({ kind: "entered" });
  });

  it("two adoptions of one reset open one generation", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("A", { reset: true });
    temporal.whileDescribing = () => grip(attempt("A", 2, { reset: true }), "upload");
    expect(await reconcileJob(room.deps, job)).toBe("adopt");
    expect((await jobRow(room, job)).generation).toBe(2);
    expect((await jobRow(room, job)).attempt_at).toBe(2);
  });

  it("an attempt that looked at the row before it changed looks again", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("A", { reset: true });
    temporal.whileDescribing = () => reconcileJob(room.deps, job);
    expect(await enter(attempt("A", 2, { reset: true }))).toMatchObject({ kind: "entered", grip: { generation: 2 } });
    expect((await jobRow(room, job)).generation).toBe(2);
  });

  it("a run that a reset has just reopened is not settled by a reconciler that looked before", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("F", { open: false, status: "TERMINATED" });
    temporal.whileDescribing = async () => {
      temporal.current = run("A", { reset: true });
      await grip(attempt("A", 2, { reset: true }));
    };
    await reconcileJob(room.deps, job);
    expect(await jobRow(room, job)).toMatchObject({ status: "running", run_id: "A", generation: 2 });
  });

  it("a retry keeps the run id: the settling attempt of the old run does not take the row for new", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("A", { reset: true });
    const old = await grip(attempt("A", 2, { reset: true }), null);
    await settleJob(room.deps, old, ending);
    await retryJob(room.deps, { job_id: job, by: room.principal });
    // The first settling attempt died before it reported: the run is still open, and tries again.
    const before = await state();
    expect(await enter(attempt("A", 3, { reset: true }), null)).toEqual({ kind: "end", status: "queued" });
    expect(await reconcileJob(room.deps, job)).toBe("nothing");
    expect(await state()).toEqual(before);
  });

  it("the zombie of a terminated run does not adopt, though its run is the current one", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("A", { reset: true, open: false, status: "TERMINATED" });
    const before = await state();
    expect(await enter(attempt("A", 2, { reset: true }))).toEqual({ kind: "stop" });
    expect(await state()).toEqual(before);
  });

  it("a run that was settled as terminated does not reopen the job: settling names that run", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("A", { reset: true });
    temporal.whileDescribing = async () => {
      temporal.current = run("A", { reset: true, open: false, status: "TERMINATED" });
      expect(await reconcileJob(room.deps, job)).toBe("settle");
    };
    expect(await enter(attempt("A", 2, { reset: true }))).toEqual({ kind: "end", status: "cancelled" });
    expect(await jobRow(room, job)).toMatchObject({
      status: "cancelled",
      run_id: "A",
      error_code: "terminated_by_operator",
    });
  });

  it("a reset run without the guard ends as guard_lost, and the holder is not disturbed", async () => {
    const first = await grip(attempt("F", 1));
    await settleJob(room.deps, first, ending);
    const other = await queueJob(room, await createDraft(room, { project: draft }));
    temporal.current = run("A", { reset: true });
    expect(await enter(attempt("A", 2, { reset: true }))).toEqual({ kind: "guard_lost", holder: other });
    await settleJob(room.deps, await grip(attempt("A", 3, { reset: true }), null), { ...ending, code: "guard_lost" });
    expect(await jobRow(room, job)).toMatchObject({ status: "failed", error_code: "guard_lost", generation: 2 });
    await expect(retryJob(room.deps, { job_id: job, by: room.principal })).rejects.toMatchObject({
      code: "publish_running",
    });
  });
});

describe("cancel", () => {
  it("of a queued job sends nothing to Temporal", async () => {
    temporal.current = run("F");
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    expect(temporal.cancelled).toEqual([]);
  });

  it("of a running job goes to exactly its run", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("F");
    expect(await cancelJob(room.deps, { job_id: job, by: room.principal })).toBe("requested");
    expect(temporal.cancelled).toEqual([{ workflow_id: `publish-${job}`, run_id: "F" }]);
  });

  it("that was meant for generation 1 does not hit the retry", async () => {
    const first = await grip(attempt("F", 1));
    temporal.current = run("F");
    temporal.whileCancelling = async () => {
      await settleJob(room.deps, first, ending);
      await retryJob(room.deps, { job_id: job, by: room.principal });
      temporal.current = run("B", { generation: 2 });
      await grip(attempt("B", 2, { generation: 2 }));
    };
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    expect(temporal.cancelled.map(({ run_id }) => run_id)).toEqual(["F"]);
    expect(await jobRow(room, job)).toMatchObject({ status: "running", run_id: "B", cancel_requested_at: null });
  });

  it("that Temporal did not hear is sent again by the reconciler", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("F");
    temporal.whileCancelling = () => Promise.reject(new Error("Temporal is away"));
    await expect(cancelJob(room.deps, { job_id: job, by: room.principal })).rejects.toThrow("away");
    expect(await reconcileJob(room.deps, job)).toBe("cancel");
    expect(temporal.cancelled).toEqual([{ workflow_id: `publish-${job}`, run_id: "F" }]);
  });
});

describe("a cancel and a reset", () => {
  it("a cancel that was asked for before the reset is sent to the run that the reset made", async () => {
    await grip(attempt("F", 1));
    temporal.current = run("A", { reset: true });
    expect(await cancelJob(room.deps, { job_id: job, by: room.principal })).toBe("requested");
    await grip(attempt("A", 2, { reset: true }));
    expect(await reconcileJob(room.deps, job)).toBe("cancel");
    expect(temporal.cancelled.at(-1)?.run_id).toBe("A");
  });

  it("the reset of a job that was cancelled runs", async () => {
    const first = await grip(attempt("F", 1));
    temporal.current = run("F");
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    await settleJob(room.deps, first, { status: "cancelled", code: "cancelled", message: "Cancelled." });
    temporal.current = run("A", { reset: true });
    await grip(attempt("A", 2, { reset: true }));
    expect(await reconcileJob(room.deps, job)).toBe("nothing");
  });
});

describe("tenants", () => {
  it("a stranger's job is not found, neither to cancel nor to retry", async () => {
    const stranger = { ...room.principal, tenant_id: crypto.randomUUID() };
    await expect(cancelJob(room.deps, { job_id: job, by: stranger })).rejects.toMatchObject({ code: "job_not_found" });
    await expect(retryJob(room.deps, { job_id: job, by: stranger })).rejects.toMatchObject({ code: "job_not_found" });
  });
});

describe("the switch", () => {
  it("does not wait for a publish of the same version that is being requested", async () => {
    const mine = await grip(attempt("F", 1), "mark_published");
    await transaction(room.database, async (tx) => {
      await query(
        tx,
        `insert into jobs (id, tenant_id, job_type, payload, project_id, version_id, environment, workflow_id)
         values (gen_random_uuid(), $1, 'publish', '{}', $2, $3, 'staging', gen_random_uuid()::text)`,
        [draft.tenant_id, draft.project_id, draft.version_id],
      );
      expect(await switchRelease(room.deps, mine, release(`rel_${job}`))).toEqual({ epoch: 1 });
    });
  });

  const release = (id: string) => ({
    release_id: id,
    published_at: "2026-01-01T00:00:00.000Z",
    revision: 1,
    digest: "d".repeat(64),
    tile_set_digest: "e".repeat(64),
    bytes: 10,
    overlay_count: 2,
    tile_count: 3,
  });
  const result = {
    release_id: "r",
    release_url: "/",
    overlay_count: 2,
    tile_count: 3,
    digest: "d",
    published_at: "now",
  };

  it("happens once per job for life: a repeat answers its own epoch, also when something newer is live", async () => {
    const first = await grip(attempt("F", 1), "mark_published");
    expect(await switchRelease(room.deps, first, release(`rel_${job}`))).toEqual({ epoch: 1 });
    await finishJob(room.deps, first, published(result, "dev"));
    const newer = await createDraft(room, { project: draft });
    const second = await queueJob(room, newer);
    const other = await grip(attempt("X", 1, { job_id: second }), "mark_published");
    expect(await switchRelease(room.deps, other, release(`rel_${second}`))).toEqual({ epoch: 2 });
    temporal.current = run("A", { reset: true });
    const again = await grip(attempt("A", 2, { reset: true }), "mark_published");
    expect(await switchRelease(room.deps, again, release(`rel_${job}`))).toEqual({ epoch: 1 });
    const live = await query(room.database.em.fork(), "select job_id from environment_releases where project_id = $1", [
      draft.project_id,
    ]);
    expect(live.length).toBe(2);
  });

  it("demands the guard", async () => {
    const mine = await grip(attempt("F", 1), "mark_published");
    await query(room.database.em.fork(), "delete from publish_guards where job_id = $1", [job]);
    const other = await queueJob(room, await createDraft(room, { project: draft }));
    await expect(switchRelease(room.deps, mine, release(`rel_${job}`))).rejects.toMatchObject({
      code: "guard_lost",
      facts: { holder: other },
    });
  });

  it("demands the revision that was validated", async () => {
    const mine = await grip(attempt("F", 1), "mark_published");
    await query(room.database.em.fork(), "update versions set revision = revision + 1 where id = $1", [
      draft.version_id,
    ]);
    await expect(switchRelease(room.deps, mine, release(`rel_${job}`))).rejects.toMatchObject({
      code: "version_changed",
    });
  });

  it("is refused to an attempt that is not the newest", async () => {
    const old = await grip(attempt("F", 1), "mark_published");
    await grip(attempt("F", 2), "mark_published");
    await expect(switchRelease(room.deps, old, release(`rel_${job}`))).rejects.toMatchObject(superseded);
  });

  it("is the point of no return: no cancel after it, and settling completes the job", async () => {
    const mine = await grip(attempt("F", 1), "mark_published");
    await switchRelease(room.deps, mine, release(`rel_${job}`));
    await expect(cancelJob(room.deps, { job_id: job, by: room.principal })).rejects.toMatchObject({
      code: "past_the_switch",
    });
    expect(await settleJob(room.deps, mine, ending)).toMatchObject({ kind: "switched" });
    expect((await jobRow(room, job)).status).toBe("running");
  });
});

describe("the final event", () => {
  it("is the last of its generation, and only a reopening comes after it", async () => {
    const first = await grip(attempt("F", 1));
    await leaveStep(room.deps, first, "validate", "valid");
    await settleJob(room.deps, first, ending);
    await expect(logEntry(room.deps, first, { level: "info", message: "late" })).rejects.toMatchObject(superseded);
    expect(await settleJob(room.deps, first, ending)).toEqual({ kind: "ended", status: "failed" });
    expect((await ledger(room, job)).at(-1)?.data).toMatchObject({ status: "failed", generation: 1 });
    await retryJob(room.deps, { job_id: job, by: room.principal });
    const events = await ledger(room, job);
    expect(events.at(-1)?.data).toMatchObject({ status: "queued", generation: 2, reopened: true });
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  });

  it("numbers are gap-free under eight writers at once", async () => {
    const mine = await grip(attempt("F", 1));
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 10; n++) await logEntry(room.deps, mine, { level: "info", message: `${writer}.${n}` });
    });
    await Promise.all(writers);
    const events = await ledger(room, job);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.length).toBeGreaterThan(80);
  });
});
