/** What is counted, and how often. Played on rows; test/gateway/job-stats.test.ts asks over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query, queryOne, transaction } from "../../../src/db.ts";
import { adopt } from "../../../src/jobs/protocol/adopt.ts";
import { cancelJob } from "../../../src/jobs/protocol/cancel.ts";
import { finishJob } from "../../../src/jobs/protocol/finish.ts";
import { retryJob } from "../../../src/jobs/protocol/retry.ts";
import { settleJob } from "../../../src/jobs/protocol/settle.ts";
import { forgetHours, takeRollUpLock } from "../../../src/jobs/statistics/roll-up-store.ts";
import { rollUpAll, rollUpOnce } from "../../../src/jobs/statistics/roll-up.ts";
import { attemptOf, createProtocolRoom, FAILED, runOf, type ProtocolRoom } from "../../support/protocol-room.ts";

let protocol: ProtocolRoom;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => {
  const db = protocol.room.database.em.fork();
  for (const table of ["job_endings", "job_counts", "job_times", "job_samples"])
    await query(db, `delete from ${table}`);
  ({ job } = await protocol.renew());
});

const db = () => protocol.room.database.em.fork();
const deps = () => protocol.room.deps;
const rollUp = () => rollUpAll(protocol.room.database);

/** Count by state, of the days; those by the hour must be the same. */
async function counted(): Promise<Record<string, number>> {
  const of = async (grain: string) =>
    Object.fromEntries(
      (
        await query<{ status: string; count: number }>(
          db(),
          `select status, sum(count)::int as count from job_counts where grain = $1 group by 1`,
          [grain],
        )
      ).map(({ status, count }) => [status, count]),
    );
  const days = await of("day");
  expect(await of("hour")).toEqual(days);
  return days;
}

/** Times that were measured, by state and measure. */
async function timed(): Promise<Record<string, number>> {
  const rows = await query<{ what: string; count: number }>(
    db(),
    `select status || ' ' || measure as what, sum(c.value::int)::int as count from job_times, jsonb_each_text(counts) c where grain = 'day' group by 1`,
  );
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]));
}

const endings = () => query(db(), `select * from job_endings`);
const fail = async (run = "A", more = {}) =>
  settleJob(deps(), await protocol.grip(attemptOf(job, run, 1, more)), FAILED);

describe("the statistics", () => {
  it("count a job that has ended once, however often they are rolled up", async () => {
    await fail();
    expect(await rollUp()).toBe(1);
    expect(await rollUp()).toBe(0);
    expect(await counted()).toEqual({ failed: 1 });
    expect(await timed()).toEqual({ "failed wait": 1, "failed run": 1 });
    const code = await queryOne(db(), `select error_code, job_type, count from job_counts where grain = 'day'`);
    expect(code).toEqual({ error_code: "internal", job_type: "publish", count: 1 });
  });

  it("count each generation of a job as what it ended: a failure, a retry that goes through", async () => {
    await fail();
    await rollUp();
    await retryJob(deps(), { job_id: job, by: protocol.room.principal });
    expect(await endings()).toEqual([]);
    const grip = await protocol.grip(attemptOf(job, "B", 2, { generation: 2 }));
    await finishJob(deps(), grip, { message: "Done", result: {} });
    await rollUp();
    expect(await counted()).toEqual({ failed: 1, completed: 1 });
    const each = ["failed wait", "failed run", "completed wait", "completed run"];
    expect(await timed()).toEqual(Object.fromEntries(each.map((what) => [what, 1])));
  });

  it("count both generations, too, where the first was not counted before the retry", async () => {
    await fail();
    await retryJob(deps(), { job_id: job, by: protocol.room.principal });
    await fail("B", { generation: 2 });
    await rollUp();
    expect(await counted()).toEqual({ failed: 2 });
    expect(await timed()).toEqual({ "failed wait": 2, "failed run": 2 });
  });

  it("count nothing of a generation that a reset cut off, and what the reset run ended as", async () => {
    await protocol.grip(attemptOf(job, "A", 1));
    protocol.temporal.current = runOf("B", { reset: true });
    const entered = await adopt(
      ...([deps(), attemptOf(job, "B", 2, { reset: true }), { run_id: "A", generation: 1 }] as const),
      { step: "validate", message: "again" },
    );
    if (entered.kind !== "entered") throw new Error(`did not adopt: ${entered.kind}`);
    expect(await endings()).toEqual([]);
    await settleJob(deps(), entered.grip, FAILED);
    await rollUp();
    expect(await counted()).toEqual({ failed: 1 });
  });

  it("count a job that was cancelled before it started, without times of what never ran", async () => {
    await cancelJob(deps(), { job_id: job, by: protocol.room.principal, deadline_seconds: 60 });
    await rollUp();
    expect(await counted()).toEqual({ cancelled: 1 });
    expect(await timed()).toEqual({});
  });

  it("measure the wait of a retry from the retry on, not from the job's first day", async () => {
    await query(db(), `update jobs set created_at = now() - interval '3 days' where id = $1`, [job]);
    await fail();
    await retryJob(deps(), { job_id: job, by: protocol.room.principal });
    await fail("B", { generation: 2 });
    const rows = await query<{ waited: number }>(
      db(),
      `select extract(epoch from started_at - queued_at)::float8 as waited from job_endings order by generation`,
    );
    expect(rows[0]!.waited).toBeGreaterThan(250_000);
    expect(rows[1]!.waited).toBeLessThan(60);
  });

  it("lose and double nothing when the process dies between taking and counting", async () => {
    await fail();
    await expect(
      transaction(protocol.room.database, async (tx) => {
        expect(await rollUpOnce(tx)).toBe(1);
        throw new Error("died");
      }),
    ).rejects.toThrow("died");
    expect(await counted()).toEqual({});
    expect(await rollUp()).toBe(1);
    expect(await counted()).toEqual({ failed: 1 });
  });

  it("count each ending once when many roll up while others end", async () => {
    const model = `select gen_random_uuid(), 1, tenant_id, job_type, 'completed', now(), now(), now(), '[]' from jobs, generate_series(1, 50) where id = $1`;
    const insert = () =>
      query(
        db(),
        `insert into job_endings (job_id, generation, tenant_id, job_type, status, queued_at, started_at, ended_at, steps) ${model}`,
        [job],
      );
    const work = Array.from({ length: 40 }, (_, at) =>
      at % 2 === 0 ? insert() : rollUpOnce(protocol.room.database, 30),
    );
    await Promise.all(work);
    await rollUp();
    expect(await counted()).toEqual({ completed: 1_000 });
    expect(await timed()).toEqual({ "completed wait": 1_000, "completed run": 1_000 });
    expect(await endings()).toEqual([]);
  });

  it("are left to whoever is at it already", async () => {
    await fail();
    await transaction(protocol.room.database, async (tx) => {
      expect(await takeRollUpLock(tx)).toBe(true);
      expect(await rollUpOnce(protocol.room.database)).toBe(0);
    });
    expect(await rollUp()).toBe(1);
  });

  it("count a job whose steps are no steps: nothing keeps the others from being counted", async () => {
    for (const steps of ['"no list"', '[{"started_at": "yesterday, or so", "finished_at": 5}]', "[1, null]"]) {
      await query(db(), `update jobs set steps = $2::jsonb where id = $1`, [job, steps]);
      await query(db(), `update jobs set status = 'completed', completed_at = now() where id = $1`, [job]);
      await query(db(), `update jobs set status = 'running', generation = generation + 1 where id = $1`, [job]);
    }
    expect(await rollUp()).toBe(3);
    expect(await counted()).toEqual({ completed: 3 });
  });

  it("forget hours that no window reaches, and keep their days", async () => {
    await fail();
    await query(db(), `update job_endings set ended_at = ended_at - interval '9 days'`);
    await rollUp();
    const rows = await forgetHours(db(), { days: 8, dry_run: true });
    expect(rows).toBeGreaterThan(1);
    expect(await forgetHours(db(), { days: 8, dry_run: false })).toBe(rows);
    expect(await query(db(), `select grain from job_counts`)).toEqual([{ grain: "day" }]);
  });
});
