import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query, queryOne } from "../../src/db.ts";
import { administer } from "../../src/dev/database-store.ts";
import { createProgressMirror, type ProgressMirror } from "../../src/jobs/progress-mirror.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { leaveStep } from "../../src/jobs/protocol/ledger-writes.ts";
import type { Log } from "../../src/log.ts";
import type { Grip } from "../../src/jobs/protocol/attempt.ts";
import type { ProgressRow } from "../../src/jobs/progress-store.ts";
import { createDraft, createPublishing, queueJob, until, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

/** Longer than any test: batches are written when the test says so. */
const NEVER_MS = 3_600_000;

let room: Publishing;
let draft: Draft;
let mirror: ProgressMirror;
let grip: Grip;

beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());
beforeEach(async () => {
  draft = await createDraft(room);
  grip = await workingJob();
  mirror = mirrored(NEVER_MS);
});
afterEach(() => mirror?.stop());

const mirrored = (tickMs: number) => createProgressMirror({ ...room.deps, tickMs });

/** A job whose attempt of moment 7 is in its upload. */
async function workingJob(): Promise<Grip> {
  const id = await queueJob(room, draft);
  await query(room.database.em.fork(), `delete from publish_guards where job_id = $1`, [id]);
  const attempt = { job_id: id, run_id: "F", attempt_at: 7, generation: 1, reset: false };
  const entered = await enterStep(room.deps, attempt, { step: "upload", message: "uploading" });
  if (entered.kind !== "entered") throw new Error(entered.kind);
  return entered.grip;
}

const row = (of: Grip, report: number, more: Partial<ProgressRow> = {}): ProgressRow => ({
  job_id: of.job_id,
  generation: of.generation,
  attempt_at: of.attempt_at,
  report,
  progress: 30 + Math.min(report, 19),
  message: `tile ${report}`,
  ...more,
});

async function shown(of: Grip): Promise<{ progress: number; message: string } | null> {
  return queryOne(room.database.em.fork(), `select progress, message from jobs where id = $1`, [of.job_id]);
}

async function mirrorNow(...rows: ProgressRow[]): Promise<void> {
  for (const each of rows) mirror.report(each);
  await mirror.flush();
}

describe("progress reaches the row", () => {
  it("of the attempt that is at work, the newest of its reports only", async () => {
    await mirrorNow(row(grip, 1), row(grip, 2));
    expect(await shown(grip)).toEqual({ progress: 32, message: "tile 2" });
    await mirrorNow(row(grip, 1));
    expect(await shown(grip)).toEqual({ progress: 32, message: "tile 2" });
  });

  it.each([
    ["an older attempt", { attempt_at: 6 }],
    ["a later attempt that has not entered", { attempt_at: 8 }],
    ["another generation", { generation: 2 }],
    ["a report that is not newer", { report: 5 }],
  ])("not of %s", async (_, stale) => {
    await mirrorNow(row(grip, 5));
    await mirrorNow(row(grip, 9, { message: "stale", ...stale }));
    expect(await shown(grip)).toEqual({ progress: 35, message: "tile 5" });
  });

  it("not of a job that has ended", async () => {
    await query(room.database.em.fork(), `update jobs set status = 'failed' where id = $1`, [grip.job_id]);
    await mirrorNow(row(grip, 9));
    expect(await shown(grip)).toMatchObject({ message: "uploading" });
  });

  it("not when it comes after the end of its step", async () => {
    mirror.report(row(grip, 9, { progress: 49, message: "late" }));
    await leaveStep(room.deps, grip, "upload", "Uploaded all");
    await mirror.flush();
    expect(await shown(grip)).toEqual({ progress: 50, message: "Uploaded all" });
  });
});

describe("a batch", () => {
  it("is one statement, however many jobs and reports are in it", async () => {
    const db = room.database.em.fork();
    await query(db, `create table statements (id int generated always as identity)`);
    await query(
      db,
      `create function count_statement() returns trigger language plpgsql as
       $$ begin insert into statements default values; return null; end $$`,
    );
    const grips = [grip, await workingJob(), await workingJob(), await workingJob()];
    await query(
      db,
      `create trigger counted after update on jobs for each statement execute function count_statement()`,
    );
    mirror = mirrored(1);
    for (let report = 1; report <= 100; report += 1) for (const each of grips) mirror.report(row(each, report));
    await until("the last report of the last job", async () => (await shown(grips[3]!))?.message === "tile 100");
    await query(db, `drop trigger counted on jobs`);
    for (const each of grips) expect(await shown(each)).toMatchObject({ message: "tile 100" });
    expect(await queryOne(db, `select count(*)::int as count from statements`)).toEqual({ count: 1 });
  });

  it("with one bad value costs that job its report, and no other", async () => {
    const [other, third] = [await workingJob(), await workingJob()];
    await mirrorNow(row(grip, 1), row(other, 1, { message: "a \u0000 in it" }), row(third, 1));
    expect(await shown(grip)).toMatchObject({ message: "tile 1" });
    expect(await shown(other)).toMatchObject({ message: "uploading" });
    expect(await shown(third)).toMatchObject({ message: "tile 1" });
    await mirrorNow(row(other, 2));
    expect(await shown(other)).toMatchObject({ message: "tile 2" });
  });
});

describe("while PostgreSQL refuses connections", () => {
  const server = () => {
    const url = new URL(room.databaseUrl);
    const name = url.pathname.slice(1);
    url.pathname = "/postgres";
    return { admin: url.href, name };
  };
  async function refuse(): Promise<void> {
    const { admin, name } = server();
    await administer(admin, `alter database ${name} with allow_connections false`);
    await administer(admin, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${name}'`);
  }
  const accept = () => administer(server().admin, `alter database ${server().name} with allow_connections true`);
  afterEach(accept);

  it("a batch is kept and tried again, and the newest state wins", async () => {
    const other = await workingJob();
    await refuse();
    await mirrorNow(row(grip, 1), row(other, 1));
    await mirrorNow(row(grip, 2));
    await accept();
    await mirror.flush();
    expect(await shown(grip)).toMatchObject({ message: "tile 2" });
    expect(await shown(other)).toMatchObject({ message: "tile 1" });
  });

  it("it tries again by itself", async () => {
    await refuse();
    mirror = mirrored(10);
    await mirrorNow(row(grip, 1));
    await accept();
    await until("the report that was kept", async () => (await shown(grip))?.message === "tile 1");
  });

  it("a mirror that is stopped does not try for ever", async () => {
    await refuse();
    const [stopped, working] = [countingMirror(10), countingMirror(10)];
    stopped.mirror.report(row(grip, 1));
    await stopped.mirror.stop();
    const tries = stopped.tries();
    working.mirror.report(row(grip, 1));
    await until("another mirror to have tried some more", async () => working.tries() >= 5);
    await working.mirror.stop();
    expect(stopped.tries()).toBe(tries);
  });

  /** `tries`: how many batches it could not write. */
  function countingMirror(tickMs: number) {
    let tries = 0;
    const log = Object.create(room.deps.log, { warn: { value: () => (tries += 1) } }) as Log;
    return { mirror: createProgressMirror({ ...room.deps, log, tickMs }), tries: () => tries };
  }
});
