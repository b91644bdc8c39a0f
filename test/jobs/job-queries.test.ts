import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query, queryOne, transaction, type Db } from "../../src/db.ts";
import { listJobs, type JobFilter } from "../../src/jobs/job-queries-store.ts";
import { forgetExpired } from "../../src/jobs/idempotency-store.ts";
import { createDraft, createPublishing, queueJob, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
let crowded: Draft;
let quiet: Draft;
let quietJobs: string[];

beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
  [crowded, quiet] = [await createDraft(room), await createDraft(room)];
  quietJobs = [await queueJob(room, quiet, "dev"), await queueJob(room, quiet, "staging")];
  const model = await queueJob(room, crowded);
  await multiply(model, 5_000);
});
afterAll(() => room?.close());

/** `count` jobs like `model`, all newer than any other. */
async function multiply(model: string, count: number): Promise<void> {
  const db = room.database.em.fork();
  const ids = Array.from({ length: count }, () => uuidv7());
  await query(
    db,
    `
    insert into jobs (id, tenant_id, job_type, payload, project_id, version_id, environment, workflow_id)
    select n.id, tenant_id, job_type, payload, project_id, version_id, environment, 'publish-' || n.id
    from jobs, unnest($2::uuid[]) as n(id) where jobs.id = $1
    `,
    [model, ids],
  );
  await query(db, `analyze jobs`);
}

const list = async (filter: Partial<JobFilter>, db: Db = room.database.em.fork()): Promise<string[]> =>
  (await listJobs(db, { tenant_id: room.tenant_id, limit: 10, ...filter })).map(({ id }) => id);

describe("the list of jobs", () => {
  it("of one project has its jobs, newest first, page by page", async () => {
    const newestFirst = quietJobs.toReversed();
    expect(await list({ project: quiet.project })).toEqual(newestFirst);
    const [first] = await listJobs(room.database.em.fork(), {
      tenant_id: room.tenant_id,
      project: quiet.project,
      limit: 1,
    });
    expect(first?.id).toBe(newestFirst[0]);
    const { created_at, id } = first!;
    expect(await list({ project: quiet.project, before: { created_at, id } })).toEqual([newestFirst[1]]);
  });

  it("is narrowed by all filters at once", async () => {
    const filter = { project: quiet.project, type: "publish", status: ["queued", "running"] as const };
    expect(await list({ ...filter, environment: "dev" })).toEqual([quietJobs[0]]);
    expect(await list({ ...filter, environment: "production" })).toEqual([]);
    expect(await list({ ...filter, status: ["failed"] })).toEqual([]);
    expect(await list({ ...filter, type: "svg_import" })).toEqual([]);
  });

  it("of an unknown project, or another tenant's, is empty", async () => {
    expect(await list({ project: "nowhere" })).toEqual([]);
    expect(await list({ project: quiet.project, tenant_id: uuidv7() })).toEqual([]);
  });

  it("of a quiet project does not read the jobs of a crowded one", async () => {
    await transaction(room.database, async (tx) => {
      const before = await rowsRead(tx);
      expect(await list({ project: quiet.project }, tx)).toHaveLength(2);
      expect((await rowsRead(tx)) - before).toBeLessThan(50);
    });
  });

  it("of everything reads a page, not the table", async () => {
    await transaction(room.database, async (tx) => {
      const before = await rowsRead(tx);
      expect(await list({}, tx)).toHaveLength(10);
      expect((await rowsRead(tx)) - before).toBeLessThan(50);
    });
  });
});

/** Rows of `jobs` that this transaction has read so far. */
async function rowsRead(tx: Db): Promise<number> {
  const row = await queryOne<{ count: number }>(
    tx,
    `select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as count from pg_stat_xact_user_tables where relname = 'jobs'`,
  );
  return row?.count ?? 0;
}

describe("expired keys of idempotency", () => {
  it("are deleted, a bounded number at a time, the others stay", async () => {
    const db = room.database.em.fork();
    const insert = (count: number, prefix: string, expires: string) =>
      query(
        db,
        `
        insert into idempotency_keys (tenant_id, principal_id, route, key, body_hash, job_id, expires_at)
        select $1, $2, 'publish', $3 || n, '', $4, now() + $5::interval from generate_series(1, $6::int) n
        `,
        [room.tenant_id, room.principal.id, prefix, quietJobs[0], expires, count],
      );
    await insert(30, "old-", "-1 second");
    await insert(5, "new-", "1 hour");
    const keys = () => query<{ key: string }>(db, `select key from idempotency_keys order by key`);
    await forgetExpired(db, 20);
    expect(await keys()).toHaveLength(15);
    await forgetExpired(db, 20);
    expect((await keys()).map(({ key }) => key)).toEqual([1, 2, 3, 4, 5].map((n) => `new-${n}`));
  });
});
