/** The rules of permits, one by one: real PostgreSQL, Temporal's part as data. Three permits to a line, where the table says no other. */
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Queue } from "../../contract/job-type-definition.ts";
import { query, queryOne, transaction } from "../../src/db.ts";
import { insertJob } from "../../src/jobs/new-job-store.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { askForPermit } from "../../src/jobs/permits/ask-for-permit.ts";
import { grantIn } from "../../src/jobs/permits/pass-on.ts";
import { sweepPermits } from "../../src/jobs/permits/sweep-permits.ts";
import { writeEnding } from "../../src/jobs/protocol/attempt.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { suspectJobs } from "../../src/jobs/reconcile-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { ensureTenant } from "../../src/tenants/tenant-store.ts";
import { FAILED, runOf } from "../support/protocol-room.ts";
import { createPublishing, jobRow, ledger, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

const THREE: ReadonlyMap<Queue, number> = new Map([["maintenance", 3]]);
const temporal = scriptedExecutions();
let room: Publishing;
let island: string;
beforeAll(async () => {
  room = await createPublishing({ executions: temporal });
  island = (await ensureTenant(room.database.em.fork(), { slug: "island", name: "Island" })).id;
});
beforeEach(async () => {
  temporal.reset();
  await query(room.database.em.fork(), `delete from job_permits`);
});
afterAll(() => room?.close());

const db = () => room.database.em.fork();
const ask = (job: string) => askForPermit(room.deps, job, THREE);
const sweep = () => sweepPermits(room.deps, THREE);
/** `harbour`'s unless told otherwise. */
async function newJob({ tenant_id = room.tenant_id, priority = 3 } = {}): Promise<string> {
  const id = uuidv7();
  const about = { project_id: null, version_id: null, environment: null, created_by: null };
  await transaction(room.database, (tx) =>
    insertJob(tx, { id, tenant_id, job_type: "maintenance", message: "queued", payload: {}, priority, ...about }),
  );
  return id;
}
/** The final state as every ending writes it, and whoever wrote it dies. */
const end = (job: string) =>
  transaction(room.database, async (tx) => {
    const row = await lockJob(tx, job);
    if (row) await writeEnding(tx, row, FAILED);
  });
const passOn = (tenant_id = room.tenant_id) => grantIn(room.deps, { tenant_id, queue: "maintenance" }, 3);
async function granted(): Promise<string[]> {
  const sql = `select job_id from job_permits where granted_at is not null order by granted_at, job_id`;
  return (await query<{ job_id: string }>(db(), sql)).map(({ job_id }) => job_id);
}
const rowOf = (job: string) => queryOne(db(), `select 1 from job_permits where job_id = $1`, [job]);
async function inOrder(jobs: string[]): Promise<string[]> {
  const got: string[] = [];
  for (const _ of jobs) {
    const now = await granted();
    const [next] = now.filter((job) => jobs.includes(job) && !got.includes(job));
    if (next === undefined) throw new Error("nobody got a permit");
    got.push(next);
    await end(next);
    await passOn();
  }
  return got;
}

describe("a line", () => {
  it("grants as many permits as there are, and lets the next wait and say for what", async () => {
    const jobs = await Promise.all(Array.from({ length: 3 }, () => newJob()));
    for (const job of jobs) expect(await ask(job)).toEqual({ kind: "granted" });
    const fourth = await newJob();
    expect(await ask(fourth)).toMatchObject({
      kind: "waits",
      permits: 3,
      place: { running: 3, place: 1, tenant: "harbour" },
    });
    const message = "Waiting for a permit: 3 of 3 maintenance jobs of harbour run; place 1 in line";
    expect(await jobRow(room, fourth)).toMatchObject({ status: "queued", message });
    expect(
      (await ledger(room, fourth)).filter(({ kind }) => kind === "log").map(({ data }) => data["message"]),
    ).toEqual([message]);
  });

  it("is a tenant's own", async () => {
    for (let number = 0; number < 4; number += 1) await ask(await newJob());
    expect(await ask(await newJob({ tenant_id: island }))).toEqual({ kind: "granted" });
  });

  it("goes in the order of the requests", async () => {
    const first = [await newJob(), await newJob(), await newJob()];
    for (const job of first) await ask(job);
    const waiting = [await newJob(), await newJob(), await newJob(), await newJob()].toReversed();
    for (const job of waiting) await ask(job);
    for (const job of first) await end(job);
    await passOn();
    expect(await inOrder(waiting)).toEqual(waiting);
  });

  it("lets the urgent overtake, and nobody be overtaken for ever", async () => {
    const first = [await newJob(), await newJob(), await newJob()];
    for (const job of first) await ask(job);
    const patient = await newJob({ priority: 5 });
    await ask(patient);
    const [usual, urgent] = [await newJob(), await newJob({ priority: 1 })];
    for (const job of [usual, urgent]) await ask(job);
    for (const job of first.slice(0, 1)) await end(job);
    await passOn();
    expect((await granted()).at(-1)).toBe(urgent);
    // Twenty minutes later a usual one comes behind it, and 40 minutes later an urgent one too.
    await query(db(), `update job_permits set turn_at = turn_at - interval '41 minutes' where job_id = $1`, [patient]);
    const late = await newJob({ priority: 1 });
    await ask(late);
    await end(urgent);
    await passOn();
    expect((await granted()).at(-1)).toBe(patient);
  });
});

describe("a permit", () => {
  it("is the job's: asking again, from whatever run, changes nothing", async () => {
    const job = await newJob();
    for (let number = 0; number < 3; number += 1) expect(await ask(job)).toEqual({ kind: "granted" });
    expect(await granted()).toEqual([job]);
  });

  it("is gone with the statement that ends the job, and a place in line too", async () => {
    const [runs, ...rest] = [await newJob(), await newJob(), await newJob(), await newJob()];
    for (const job of [runs, ...rest]) await ask(job ?? "");
    const waits = rest.at(-1) ?? "";
    for (const job of [runs ?? "", waits]) {
      expect(await rowOf(job)).not.toBeNull();
      await end(job);
      expect(await rowOf(job)).toBeNull();
    }
  });

  it("is refused to a job that has ended", async () => {
    const job = await newJob();
    await end(job);
    expect(await ask(job)).toEqual({ kind: "ended" });
    expect(await rowOf(job)).toBeNull();
  });

  it("never comes after the end, whichever of the two is first", async () => {
    for (let number = 0; number < 20; number += 1) {
      const job = await newJob();
      await Promise.all([ask(job), end(job), ask(job)]);
      expect(await rowOf(job)).toBeNull();
    }
  });

  it("of a cancelled job that waited is left to the next, and its run is woken to find out", async () => {
    const jobs = [await newJob(), await newJob()];
    for (const job of jobs) await askForPermit(room.deps, job);
    const [runs = "", waits = ""] = jobs;
    await cancelJob(room.deps, { job_id: waits, by: room.principal });
    expect(temporal.woken).toEqual([`maintenance-${waits}`]);
    expect(await rowOf(waits)).toBeNull();
    expect(await granted()).toEqual([runs]);
  });
});

describe("a job whose deadline passes while it waits in line", () => {
  const expire = async (job: string) => {
    await query(db(), `update jobs set deadline_at = now() - interval '1 second' where id = $1`, [job]);
    expect(await reconcileJob(room.deps, job)).toBe("expire");
  };

  it("leaves its place, and its run is woken to find out", async () => {
    const [runs, waits] = [await newJob(), await newJob()];
    for (const job of [runs, waits]) await askForPermit(room.deps, job);
    await expire(waits);
    expect(temporal.woken).toEqual([`maintenance-${waits}`]);
    expect(await rowOf(waits)).toBeNull();
  });

  it("leaves a permit that it has not used to the next", async () => {
    const [unused, next] = [await newJob(), await newJob()];
    for (const job of [unused, next]) await askForPermit(room.deps, job);
    await expire(unused);
    expect(await granted()).toEqual([next]);
    expect(temporal.woken).toEqual([`maintenance-${unused}`, `maintenance-${next}`]);
  });
});

describe("a run of an older generation that sleeps in line", () => {
  it("is woken by the reconciler, and neither waits nor takes a place for the retry", async () => {
    const [runs, job] = [await newJob(), await newJob()];
    for (const each of [runs, job]) await askForPermit(room.deps, each);
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    await retryJob(room.deps, { job_id: job, by: room.principal });
    temporal.woken.length = 0;
    temporal.current = runOf("F");
    expect(await reconcileJob(room.deps, job)).toBe("nothing");
    expect(temporal.woken).toEqual([`maintenance-${job}`]);
    const run = (generation: number, reset = false) => askForPermit(room.deps, job, THREE, { generation, reset });
    expect(await run(1)).toEqual({ kind: "ended" });
    expect(await rowOf(job)).toBeNull();
    // What a reset makes takes the job over, and needs a permit.
    expect(await run(1, true)).toEqual({ kind: "granted" });
    temporal.woken.length = 0;
    temporal.current = runOf("G", { generation: 2 });
    await reconcileJob(room.deps, job);
    expect(temporal.woken).toEqual([]);
  });
});

describe("whoever dies", () => {
  it("between the end of a job and passing its permit on: the sweep does it, and tells", async () => {
    const jobs = [await newJob(), await newJob(), await newJob(), await newJob()];
    for (const job of jobs) await ask(job);
    await end(jobs[0] ?? "");
    expect(await granted()).toHaveLength(2);
    await sweep();
    expect(await granted()).toContain(jobs[3]);
    expect(temporal.woken).toEqual([`maintenance-${jobs[3]}`]);
  });

  it("between granting and telling: the sweep tells, once", async () => {
    const jobs = [await newJob(), await newJob(), await newJob(), await newJob()];
    for (const job of jobs) await ask(job);
    await end(jobs[0] ?? "");
    const wake = temporal.wake;
    temporal.wake = async () => Promise.reject(new Error("away"));
    await passOn();
    temporal.wake = wake;
    await query(db(), `update job_permits set granted_at = granted_at - interval '5 seconds'`);
    await sweep();
    await sweep();
    expect(temporal.woken).toEqual([`maintenance-${jobs[3]}`]);
  });

  it("leaves no permit to a job that has ended, were there one", async () => {
    const job = await newJob();
    await ask(job);
    await query(db(), `update jobs set status = 'failed', completed_at = now() where id = $1`, [job]);
    await sweep();
    expect(await rowOf(job)).toBeNull();
  });
});

it("those in front of a line say their place as it changes", async () => {
  const jobs = [await newJob(), await newJob(), await newJob(), await newJob(), await newJob()];
  for (const job of jobs) await ask(job);
  await end(jobs[0] ?? "");
  await passOn();
  await sweep();
  expect((await jobRow(room, jobs[4] ?? "")).message).toMatch(/place 1 in line$/);
});

it("a place in line that changes is no news for the reconciler", async () => {
  const jobs = [await newJob(), await newJob(), await newJob(), await newJob(), await newJob()];
  for (const job of jobs) await ask(job);
  const seen = () => suspectJobs(db(), { quietMs: 0, limit: 100 });
  const before = await seen();
  await end(jobs[0] ?? "");
  await passOn();
  await sweep();
  expect((await jobRow(room, jobs[4] ?? "")).message).toMatch(/place 1 in line$/);
  const markOf = (found: typeof before) => found.find(({ id }) => id === jobs[4])?.mark;
  expect(markOf(before)).toBeDefined();
  expect(markOf(await seen())).toBe(markOf(before));
});

it("whatever comes at once, no line ever has more than its permits, and all get theirs", async () => {
  await query(db(), `create table overdrawn (count int)`);
  await query(
    db(),
    `create function watch_permits() returns trigger language plpgsql as $$
     begin
       insert into overdrawn select count(*) from job_permits
         where tenant_id = new.tenant_id and queue = new.queue and granted_at is not null having count(*) > 3;
       return null;
     end $$`,
  );
  await query(
    db(),
    `create trigger watch_permits after insert or update on job_permits for each row execute function watch_permits()`,
  );
  const tenants = [room.tenant_id, island];
  const jobs = await Promise.all(
    Array.from({ length: 60 }, (_, number) =>
      newJob({ tenant_id: tenants[number % 2] ?? "", priority: 1 + (number % 5) }),
    ),
  );
  const work = async (job: string, number: number): Promise<void> => {
    for (;;) {
      const asked = await ask(job);
      if (asked.kind === "ended") return;
      // Every seventh ends while it waits, as one that is cancelled; every fifth dies before it passes its permit on.
      if (asked.kind === "waits" && number % 7 !== 0) continue;
      await Promise.all([ask(job), end(job)]);
      if (number % 5 !== 0) await passOn(tenants[number % 2]);
      else await sweep();
    }
  };
  await Promise.all(jobs.map(work));
  expect(await query(db(), `select * from overdrawn`)).toEqual([]);
  expect(await query(db(), `select * from job_permits`)).toEqual([]);
  await query(db(), `drop trigger watch_permits on job_permits`);
}, 60_000);
