/** Jobs that have outlived their time go with all that is theirs; what anybody still needs does not. */
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isFinal } from "../../contract/job-state.ts";
import { query, transaction } from "../../src/db.ts";
import { beginningOf } from "../../src/gateway/sse/resume.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { insertJob, type JobTerms } from "../../src/jobs/new-job-store.ts";
import { deleteJob } from "../../src/maintenance/retention-store.ts";
import { createDraft, createPublishing, jobRow, ledger, queueJob, type Publishing } from "../support/publishing.ts";
import { sweepOnce } from "./sweep-once.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing();
}, 60_000);
afterAll(() => room?.close());

const rows = <Row>(sql: string, params: unknown[] = []): Promise<Row[]> =>
  query<Row>(room.database.em.fork(), sql, params);
const exists = async (id: string): Promise<boolean> =>
  (await rows(`select 1 from jobs where id = $1`, [id])).length === 1;

/** A maintenance job that ended `days` ago, with one step and one log entry told. */
async function job(
  days: number,
  { status = "failed", ...terms }: JobTerms & { status?: "failed" | "running" | "completed" } = {},
): Promise<string> {
  const id = uuidv7();
  await transaction(room.database, async (tx) => {
    const row = { id, tenant_id: room.tenant_id, job_type: "maintenance" as const, message: "queued", payload: {} };
    await insertJob(tx, {
      ...row,
      project_id: null,
      version_id: null,
      environment: null,
      created_by: room.principal.id,
      ...terms,
    });
    await writeJob(tx, id, { status }, [
      { kind: "step", data: { step: "sweep", status: "running" } },
      { kind: "log", data: { level: "info", message: "working" } },
      { kind: "status", data: { status, generation: 1 } },
    ]);
    if (isFinal(status))
      await query(tx, `update jobs set completed_at = now() - make_interval(days => $2) where id = $1`, [id, days]);
  });
  return id;
}

it("a job goes when its own time is over, or ours, with its ledger; an open one never does", async () => {
  const own = await job(1);
  await rows(`update jobs set expires_at = now() - interval '1 second' where id = $1`, [own]);
  const [old, young, open] = [await job(40), await job(10), await job(0, { status: "running" })];
  await rows(`update jobs set expires_at = now() - interval '1 day' where id = $1`, [open]);

  expect((await sweepOnce(room, { keepJobsDays: 30, dry_run: true })).removed["jobs"]).toBe(2);
  expect(await exists(old)).toBe(true);
  const swept = await sweepOnce(room, { keepJobsDays: 30 });
  expect(swept.report.map((line) => String(line["job"])).toSorted()).toEqual([own, old].toSorted());
  expect(await Promise.all([own, old, young, open].map(exists))).toEqual([false, false, true, true]);
  expect(await rows(`select 1 from job_events where job_id = any ($1)`, [[own, old]])).toEqual([]);
  expect((await sweepOnce(room, { keepJobsDays: 30 })).removed["jobs"]).toBe(0);
  expect((await sweepOnce(room)).removed["jobs"]).toBe(0);
});

it("a parent goes after its children, and a child not before its parent has ended", async () => {
  const child = async (parent: string, days: number): Promise<string> => {
    const id = await job(days);
    await rows(`update jobs set parent_id = $2, member_key = $3 where id = $1`, [id, parent, id]);
    return id;
  };
  const open = await job(0, { status: "running" });
  const ended = await job(40);
  const halfOld = await job(40);
  const [ofOpen, first, second, young] = [
    await child(open, 40),
    await child(ended, 40),
    await child(ended, 40),
    await child(halfOld, 1),
  ];
  await sweepOnce(room, { keepJobsDays: 30 });
  expect(await Promise.all([open, ofOpen, ended, first, second, halfOld, young].map(exists))).toEqual([
    true,
    true,
    false,
    false,
    false,
    true,
    true,
  ]);
});

it("a job that made something live stays for good", async () => {
  const draft = await createDraft(room);
  const publish = await queueJob(room, draft);
  const live = `
    with done as (
      update jobs set status = 'completed', completed_at = now() - interval '10 years', expires_at = now() where id = $1 returning id
    ), free as (
      delete from publish_guards where job_id = $1
    ), release as (
      insert into releases (id, tenant_id, project_id, version_id, revision, digest, tile_set_digest, bytes, overlay_count, tile_count, published_at)
      values ('rel_1', $2, $3, $4, 1, 'd', 't', 1, 1, 1, now()) returning id
    )
    insert into environment_releases (project_id, environment, epoch, tenant_id, release_id, job_id, nonce)
    select $3, 'dev', 1, $2, release.id, done.id, 'n' from release, done`;
  await rows(live, [publish, draft.tenant_id, draft.project_id, draft.version_id]);
  expect((await sweepOnce(room, { keepJobsDays: 1 })).report.map((line) => line["job"])).not.toContain(publish);
  expect(await exists(publish)).toBe(true);
});

it("a job that is retried at the same moment is retried, or gone", async () => {
  const id = await job(40);
  await transaction(room.database, async (tx) => {
    await query(tx, `update jobs set status = 'queued', completed_at = null where id = $1`, [id]);
    const found = transaction(room.database, (other) =>
      deleteJob(other, id, { tenant_id: room.tenant_id, keepDays: 30 }),
    );
    expect(await found).toBeNull();
  });
  expect(await exists(id)).toBe(true);
});

it("steps and logs of old jobs go, ends stay; a cursor from before begins anew, marked as such", async () => {
  const [old, young, open] = [await job(100), await job(1), await job(0, { status: "running" })];
  expect((await sweepOnce(room, { keepLogsDays: 90 })).removed["job_logs"]).toBe(2);
  const events = await ledger(room, old);
  expect(events.map(({ seq, kind }) => [seq, kind])).toEqual([
    [1, "status"],
    [4, "status"],
  ]);
  expect(await ledger(room, young)).toHaveLength(4);
  expect(await ledger(room, open)).toHaveLength(4);
  const record = { ...(await jobRow(room, old)), compacted_seq: 4 };
  const [found] = await rows<{ compacted_seq: number }>(`select compacted_seq from jobs where id = $1`, [old]);
  expect(found).toEqual({ compacted_seq: 4 });
  expect(beginningOf("2", record)).toEqual({ kind: "fresh", reset: true });
  expect(beginningOf("4", record)).toEqual({ kind: "nothing" });
  // Reopened, with two events more.
  const again = { ...record, status: "running" as const, seq: 6 };
  expect(beginningOf("4", again)).toEqual({ kind: "resume", after: 4 });
  expect(beginningOf("3", again)).toEqual({ kind: "fresh", reset: true });
  expect((await sweepOnce(room, { keepLogsDays: 90 })).removed["job_logs"]).toBe(0);
});

/** A group that ended `days` ago, with so many members that ended then. */
async function group(days: number, members: number): Promise<{ id: string; all: string[] }> {
  const id = await job(days, { status: "completed" });
  await rows(`update jobs set job_type = 'group' where id = $1`, [id]);
  const made = await rows<{ id: string }>(
    `
    with member as (
      insert into group_members (group_id, position, key, tenant_id, job_id, job_type, payload)
      select $1, n, 'm' || n, $2, gen_random_uuid(), 'maintenance', '{}' from generate_series(1, $3::int) as n
      returning job_id, key
    )
    insert into jobs (id, tenant_id, job_type, status, message, payload, steps, workflow_id, parent_id, member_key, completed_at)
    select m.job_id, j.tenant_id, 'maintenance', 'completed', 'done', '{}', j.steps, m.job_id::text, $1, m.key, j.completed_at
    from member m, jobs j where j.id = $1
    returning id
    `,
    [id, room.tenant_id, members],
  );
  return { id, all: [id, ...made.map((row) => row.id)] };
}

it("a group of 1,000 members goes with all of them at once, and with what was its own", async () => {
  const { id, all } = await group(40, 1_000);
  await rows(
    `insert into job_permits (job_id, tenant_id, queue, turn_at) select id, tenant_id, 'tiles', now() from jobs where parent_id = $1 limit 5`,
    [id],
  );
  const dry = await sweepOnce(room, { keepJobsDays: 30, dry_run: true });
  expect(dry.removed["jobs"]).toBeGreaterThanOrEqual(1_001);
  expect(dry.report).toContainEqual({ task: "jobs", job: id, members: 1_000 });
  await sweepOnce(room, { keepJobsDays: 30 });
  expect(await rows(`select 1 from jobs where id = any ($1)`, [all])).toEqual([]);
  expect(await rows(`select 1 from group_members where group_id = $1`, [id])).toEqual([]);
}, 60_000);

it("a group takes along what its members have started, and stays as long as any of that does", async () => {
  const [past, kept] = [await group(1, 2), await group(1, 2)];
  const below = async ({ id, all }: { id: string; all: string[] }): Promise<string> => {
    const started = await job(1);
    await rows(`update jobs set parent_id = $2, member_key = 'tiles' where id = $1`, [started, all[1]]);
    await rows(`update jobs set expires_at = now() - interval '1 second' where id = $1`, [id]);
    return started;
  };
  const [gone, stays] = [await below(past), await below(kept)];
  await rows(`update jobs set expires_at = now() + interval '1 day' where id = $1`, [stays]);
  const dry = await sweepOnce(room, { dry_run: true });
  expect(dry.report).toContainEqual({ task: "jobs", job: past.id, members: 3 });
  expect(JSON.stringify(dry.report)).not.toContain(gone);
  await sweepOnce(room);
  expect(await rows(`select id from jobs where id = any ($1)`, [[...past.all, gone]])).toEqual([]);
  expect(await rows(`select id from jobs where id = any ($1)`, [[...kept.all, stays]])).toHaveLength(4);
  await rows(`update jobs set expires_at = null where id = $1`, [stays]);
  await sweepOnce(room);
  expect(await rows(`select id from jobs where id = any ($1)`, [[...kept.all, stays]])).toEqual([]);
});

it("a group whose own time is over takes its members along, which say nothing of theirs, also when others are kept for ever", async () => {
  const [past, future] = [await group(1, 2), await group(1, 2)];
  await rows(`update jobs set expires_at = now() - interval '1 second' where id = $1`, [past.id]);
  await rows(`update jobs set expires_at = now() + interval '1 day' where id = $1`, [future.id]);
  expect((await sweepOnce(room, { dry_run: true })).report).toContainEqual({ task: "jobs", job: past.id, members: 2 });
  await sweepOnce(room);
  expect(await rows(`select id from jobs where id = any ($1)`, [past.all])).toEqual([]);
  // Nor do they go before it.
  await sweepOnce(room, { keepJobsDays: 1 });
  expect(await rows(`select id from jobs where id = any ($1)`, [future.all])).toHaveLength(3);
});

it("a group whose own time is over stays with a member that made something live; the report says why of both", async () => {
  const { id, all } = await group(1, 1);
  const why = "it has made something live";
  const before = Number((await sweepOnce(room)).report.find(({ stays }) => stays === why)?.["jobs"] ?? 0);
  const draft = await createDraft(room);
  const live = `
    with release as (
      insert into releases (id, tenant_id, project_id, version_id, revision, digest, tile_set_digest, bytes, overlay_count, tile_count, published_at)
      values ('rel_2', $2, $3, $4, 1, 'd', 't', 1, 1, 1, now()) returning id
    )
    insert into environment_releases (project_id, environment, epoch, tenant_id, release_id, job_id, nonce)
    select $3, 'dev', 1, $2, release.id, $1, 'n' from release`;
  await rows(live, [all[1], draft.tenant_id, draft.project_id, draft.version_id]);
  await rows(`update jobs set expires_at = now() - interval '1 second' where id = $1`, [id]);
  const { report } = await sweepOnce(room);
  expect(report).toContainEqual(expect.objectContaining({ stays: "a job of it stays", such_as: id }));
  expect(report.find(({ stays }) => stays === why)?.["jobs"]).toBe(before + 1);
  expect(await rows(`select id from jobs where id = any ($1)`, [all])).toHaveLength(2);
});

it("members stay with a group that stays, and it with them; the report says why", async () => {
  const young = await group(1, 2);
  await rows(`update jobs set completed_at = now() - interval '50 days' where parent_id = $1`, [young.id]);
  const half = await group(50, 2);
  const [kept = ""] = half.all.slice(1);
  await rows(`update jobs set completed_at = now() where id = $1`, [kept]);
  const { report } = await sweepOnce(room, { keepJobsDays: 30 });
  expect(await rows(`select id from jobs where id = any ($1)`, [[...young.all, ...half.all]])).toHaveLength(6);
  const staying = (why: string): unknown => report.find(({ stays }) => stays === why)?.["jobs"];
  // One of the half-old group's, both of the young one's, and what other tests have left.
  expect(staying("its group stays")).toBeGreaterThanOrEqual(3);
  expect(staying("a job of it stays")).toBeGreaterThanOrEqual(1);
  await rows(`update jobs set completed_at = now() - interval '50 days' where id = any ($1)`, [[kept, young.id]]);
  await sweepOnce(room, { keepJobsDays: 30 });
  expect(await rows(`select id from jobs where id = any ($1)`, [[...young.all, ...half.all]])).toEqual([]);
}, 60_000);
