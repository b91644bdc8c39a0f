import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { takeLease } from "../../src/jobs/lease-store.ts";
import { createReconciler } from "../../src/jobs/reconcile.ts";
import { closedRun, crowdOf, leaderOf, listedRun, type Seen } from "../support/leader.ts";
import { attemptOf, createProtocolRoom, runOf, type ProtocolRoom } from "../support/protocol-room.ts";
import { jobRow, until } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => {
  await sql("update jobs set status = 'failed' where status in ('queued', 'running')");
  await sql("delete from leases");
  ({ job } = await protocol.renew());
  protocol.temporal.visible = { changed: [], open: [], paused: [] };
});

const sql = (statement: string, params: unknown[] = []) => query(protocol.room.database.em.fork(), statement, params);
const row = () => jobRow(protocol.room, job);
const running = () => protocol.grip(attemptOf(job, "F", 1), "upload");
const openJobs = async () => (await sql("select 1 from jobs where status in ('queued', 'running')")).length;

/** A job that nothing has happened to for so long that it is looked at every 30 s in its turn, and has just been. */
async function quietFor(seen: Seen, round: () => Promise<number>): Promise<void> {
  const until = seen.now + 65_000;
  for (; seen.now < until; seen.now += 1_000) await round();
}

describe("what visibility shows of a job that has long been looked at in vain", () => {
  it("is told in the next round: its workflow was deleted", async () => {
    await running();
    protocol.temporal.current = runOf("F");
    protocol.temporal.visible!.open = [listedRun(job, "F")];
    const { seen, round } = leaderOf(protocol, job, { quietMs: 0 });
    await quietFor(seen, round);
    protocol.temporal.current = null;
    protocol.temporal.visible!.open = [];
    await round();
    expect(await row()).toMatchObject({ status: "failed", error_code: "execution_lost" });
  });

  it("is told in the next look at what is paused: its activity was paused, and unpaused without a worker", async () => {
    await running();
    protocol.temporal.current = runOf("F");
    protocol.temporal.visible!.open = [listedRun(job, "F")];
    const { seen, round } = leaderOf(protocol, job, { quietMs: 0 });
    const twice = async (): Promise<void> => {
      for (const end = seen.now + 2_000; seen.now < end; seen.now += 1_000) await round();
    };
    await quietFor(seen, round);
    const activity = { name: "upload", attempt: 1, state: "paused" as const, next_attempt_at: null };
    protocol.temporal.current = runOf("F", { activity: { ...activity, paused: { by: "ada", reason: null } } });
    protocol.temporal.visible!.paused = [listedRun(job, "F")];
    await twice();
    expect((await row()).attention?.code).toBe("paused");
    await quietFor(seen, round);
    protocol.temporal.current = runOf("F");
    protocol.temporal.visible!.paused = [];
    await twice();
    expect((await row()).attention).toBeNull();
  });
});

describe("a run that began and was deleted between two rounds", () => {
  it("is missed though no listing ever had it", async () => {
    await running();
    await sql("update jobs set status = 'failed' where id = $1", [job]);
    const { seen, round } = leaderOf(protocol, job);
    await round();
    await sql("update jobs set status = 'running', updated_at = now() - interval '3 s' where id = $1", [job]);
    protocol.temporal.current = null;
    seen.now += 1_000;
    await round();
    expect(await row()).toMatchObject({ status: "failed", error_code: "execution_lost" });
    expect(seen.listings).toBe(1);
  });
});

describe("a retried job", () => {
  it("that is terminated while it waits is told at once, though it names its last generation's run", async () => {
    await sql("update jobs set generation = 2, run_id = 'F' where id = $1", [job]);
    protocol.temporal.current = runOf("A", { open: false, status: "TERMINATED", generation: 2 });
    protocol.temporal.closing = { kind: "terminated", by: "ada", reason: null };
    protocol.temporal.visible!.changed = [closedRun(job, "A")];
    await leaderOf(protocol, job).round();
    expect(await row()).toMatchObject({ status: "cancelled", error_code: "terminated_by_operator" });
  });
});

describe("a cancel", () => {
  it("that was lost is sent again in the next round, whatever else has just gone quiet", async () => {
    await running();
    const crowd = await crowdOf(protocol, job, { count: 150, quietSeconds: 10 });
    protocol.temporal.visible!.open = [...crowd, listedRun(job, "F")];
    await sql("update jobs set cancel_requested_at = now(), updated_at = now() - interval '30 s' where id = $1", [job]);
    protocol.temporal.current = runOf("F");
    await leaderOf(protocol, job, { quietMs: 0 }).round();
    expect(protocol.temporal.cancelled).toEqual([{ workflow_id: `publish-${job}`, run_id: "F" }]);
  });

  it("whose deadline passes is ended in the next round, before hundreds of newer ones are sent again", async () => {
    await running();
    await crowdOf(protocol, job, { count: 600 });
    await sql(
      `update jobs set cancel_requested_at = now(), cancel_deadline_at = now() + interval '1 minute' * (case when id = $1 then -1 else 1 end),
         updated_at = now() - interval '30 s' * (case when id = $1 then 1 else 0 end)
       where status = 'running'`,
      [job],
    );
    protocol.temporal.current = runOf("F");
    await leaderOf(protocol, job).round();
    expect(protocol.temporal.terminated).toMatchObject([{ workflow_id: `publish-${job}` }]);
  });
});

describe("a workflow task that fails", () => {
  it("after its step's last attempt, which leaves the step as running, is told while the job is freshly quiet", async () => {
    await running();
    protocol.temporal.visible!.open = [...(await crowdOf(protocol, job, { quietSeconds: 3 })), listedRun(job, "F")];
    await sql("update jobs set updated_at = now() - interval '6 s' where id = $1", [job]);
    protocol.temporal.current = runOf("F", { workflow_task: { attempt: 3, since: null } });
    await leaderOf(protocol, job, { quietMs: 1_500 }).round();
    expect((await row()).attention?.code).toBe("stuck");
  });
});

describe("many changes at once", () => {
  it("are all looked at, though Temporal does not answer for the first of them", async () => {
    const runs = await crowdOf(protocol, job, { count: 120 });
    protocol.temporal.visible!.changed = runs.map((run) => ({ ...run, open: false, closed_at: run.started_at + 1 }));
    const { seen, round } = leaderOf(protocol, job);
    const { describe: answer } = protocol.temporal;
    protocol.temporal.current = runOf("F", { open: false, status: "TERMINATED" });
    protocol.temporal.describe = () => Promise.reject(new Error("Temporal hiccups"));
    await round();
    expect(seen.allLooks).toBe(50);
    protocol.temporal.describe = answer;
    seen.now += 2_000;
    await round();
    // The test's own was not among them.
    expect(await openJobs()).toBe(1);
  });

  it("of jobs that were deleted take rounds, not minutes, when they are more than a round can look at", async () => {
    await crowdOf(protocol, job, { count: 620, quietSeconds: 120 });
    protocol.temporal.visible!.open = [listedRun(job, "F")];
    const { seen, round } = leaderOf(protocol, job);
    await round();
    expect(await openJobs()).toBeGreaterThan(100);
    seen.now += 1_000;
    await round();
    expect(await openJobs()).toBe(1);
  });
});

describe("runs shorter than a round", () => {
  it("are listed as closed only, and cost no listing of all open runs", async () => {
    protocol.temporal.visible!.open = [listedRun(job, "F")];
    const { seen, round } = leaderOf(protocol, job);
    for (let second = 0; second < 10; second++) {
      await round();
      protocol.temporal.visible!.changed = [closedRun("elsewhere", `S${second}`)];
      seen.now += 1_000;
    }
    expect(seen.listings).toBe(1);
  });
});

describe("a leader that stops", () => {
  it("gives the lead to whoever wants it", async () => {
    const first = createReconciler(protocol.room.deps, { everyMs: 100, quietMs: 60_000 });
    await until("the lead", async () => (await sql("select 1 from leases where name = 'reconciler'")).length > 0);
    await first.stop();
    const lease = { name: "reconciler", holder: "next", seconds: 60 };
    expect(await takeLease(protocol.room.database.em.fork(), lease)).toBe(true);
  });

  it("takes it from nobody who has it by then", async () => {
    const first = createReconciler(protocol.room.deps, { everyMs: 3_600_000, quietMs: 60_000 });
    await until("the lead", async () => (await sql("select 1 from leases where name = 'reconciler'")).length > 0);
    await sql("update leases set holder = 'another', expires_at = now() + interval '1 hour'");
    await first.stop();
    const lease = { name: "reconciler", holder: "next", seconds: 60 };
    expect(await takeLease(protocol.room.database.em.fork(), lease)).toBe(false);
  });
});
