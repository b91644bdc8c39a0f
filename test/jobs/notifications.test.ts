/** What listeners hear: of the notifier, which tells of steps, logs and ends, and of the mirror's batches. */
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { JOBS_CHANNEL, PROGRESS_CHANNEL } from "../../contract/messages.ts";
import { createDatabase, query, queryOne, transaction } from "../../src/db.ts";
import { createJobNotifier } from "../../src/jobs/job-notifier.ts";
import { createProgressMirror, type ProgressMirror } from "../../src/jobs/progress-mirror.ts";
import { createLog } from "../../src/log.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

/** Longer than any test: what is sent is sent because the test says so, or at once. */
const NEVER_MS = 3_600_000;
const log = createLog("test", "silent");

let test: TestDatabase;
let listener: Client;
let heard: string[];

beforeAll(async () => {
  test = await createTestDatabase();
  await query(
    test.database.em.fork(),
    `insert into tenants (id, slug, name) values ('00000000-0000-7000-8000-000000000000', 'harbour', 'Harbour')`,
  );
});
afterAll(() => test?.close());
beforeEach(async () => {
  listener = new Client({ connectionString: test.url });
  heard = [];
  listener.on("notification", ({ payload = "" }) => void heard.push(payload));
  await listener.connect();
  await listener.query(`listen ${JOBS_CHANNEL}; listen ${PROGRESS_CHANNEL}`);
});
afterEach(() => listener.end());

/** All payloads so far: notifications come in the order of their commits. */
async function all(): Promise<string[]> {
  await listener.query(`select pg_notify($1, 'end')`, [JOBS_CHANNEL]);
  const told = heard.splice(0);
  expect(told.pop()).toBe("end");
  return told;
}

/** The next payload, when it comes. */
async function next(): Promise<string> {
  if (heard.length === 0) await new Promise((resolve) => listener.once("notification", resolve));
  return heard.shift() ?? "";
}

describe("a notifier", () => {
  const notifying = (tickMs: number, database = test.database) => createJobNotifier({ database, log, tickMs });

  it("tells the first change at once, and together what follows it within a tick", async () => {
    const notifier = notifying(NEVER_MS);
    notifier.touch("a");
    expect(await next()).toBe("a");
    for (const id of ["b", "c", "b", "c"]) {
      notifier.touch(id);
      await query(test.database.em.fork(), "select pg_sleep(0.005)");
    }
    expect(await all()).toEqual([]);
    await notifier.stop();
    expect(await all()).toEqual(["b,c"]);
  });

  it("tells the rest by itself when the tick is over", async () => {
    const notifier = notifying(50);
    notifier.touch("a");
    expect(await next()).toBe("a");
    notifier.touch("b");
    expect(await next()).toBe("b");
    await notifier.stop();
  });

  it("sends none while another is on its way, however long that takes: what comes meanwhile goes together", async () => {
    const single = await createDatabase({ url: test.url, pool: 1 });
    const notifier = notifying(1, single);
    const ids = Array.from({ length: 50 }, (_, index) => `job-${index}`);
    await transaction(single, async () => {
      for (const id of ids) {
        notifier.touch(id);
        // A round trip lasts as long as a tick does.
        await query(test.database.em.fork(), "select pg_sleep(0.001)");
      }
    });
    await notifier.stop();
    const told = await all();
    expect(told.join(",").split(",")).toEqual(ids);
    expect(told).toHaveLength(2);
    await single.close();
  });

  it("names 2,000 jobs in payloads that PostgreSQL takes; of more it says that any may have changed", async () => {
    const notifier = notifying(NEVER_MS);
    const ids = Array.from({ length: 2_001 }, () => randomUUID());
    for (const id of ids.slice(0, 2_000)) notifier.touch(id);
    await notifier.flush();
    const told = await all();
    expect(told).toHaveLength(10);
    expect(told.join(",").split(",")).toEqual(ids.slice(0, 2_000));
    for (const id of ids) notifier.touch(id);
    await notifier.flush();
    expect(await all()).toEqual(["*"]);
  });
});

describe("a batch of the mirror", () => {
  let mirror: ProgressMirror;
  beforeEach(() => {
    mirror = createProgressMirror({ database: test.database, log, tickMs: NEVER_MS });
  });
  afterEach(() => mirror.stop());

  /** Running jobs of attempt 7; answers their ids. */
  async function workingJobs(count: number): Promise<string[]> {
    const rows = await query<{ id: string }>(
      test.database.em.fork(),
      `insert into jobs (id, tenant_id, job_type, payload, status, attempt_at, workflow_id)
       select id, '00000000-0000-7000-8000-000000000000', 'publish', '{}', 'running', 7, id::text
       from (select gen_random_uuid() as id from generate_series(1, $1)) fresh returning id`,
      [count],
    );
    return rows.map(({ id }) => id);
  }
  const report = (job_id: string, attempt_at = 7) =>
    mirror.report({ job_id, generation: 1, attempt_at, report: 1, progress: 31, message: "tile 1" });

  it("of 500 jobs is one transaction, and names each job that it wrote once", async () => {
    const ids = await workingJobs(500);
    for (const id of ids) report(id);
    await mirror.flush();
    const told = await all();
    expect(told).toHaveLength(3);
    expect(told.join(",").split(",").toSorted()).toEqual(ids.toSorted());
    const sql = `select count(distinct xmin::text)::int as transactions from jobs where id = any($1::uuid[]) and progress = 31`;
    expect(await queryOne(test.database.em.fork(), sql, [ids])).toEqual({ transactions: 1 });
  });

  it("names no job whose row refused it", async () => {
    const [good = "", stale = ""] = await workingJobs(2);
    report(good);
    report(stale, 6);
    await mirror.flush();
    expect(await all()).toEqual([good]);
    report(stale, 6);
    await mirror.flush();
    expect(await all()).toEqual([]);
  });

  it("tells when it is committed, and only then", async () => {
    const db = test.database.em.fork();
    const [id = ""] = await workingJobs(1);
    await query(
      db,
      `create function refuse() returns trigger language plpgsql as
       $$ begin raise exception 'not now' using errcode = '57014'; end $$`,
    );
    await query(
      db,
      `create constraint trigger refused after update on jobs
       deferrable initially deferred for each row execute function refuse()`,
    );
    report(id);
    await mirror.flush();
    expect(await all()).toEqual([]);
    await query(db, `drop trigger refused on jobs`);
    await mirror.flush();
    expect(await all()).toEqual([id]);
  });
});
