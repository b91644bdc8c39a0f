import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query, queryOne, transaction } from "../../src/db.ts";
import { startGatewayRoom, type Answer, type GatewayRoom } from "../gateway/gateway-room.ts";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { workflowStatus } from "../support/operator.ts";
import { SMALL, until, type Draft } from "../support/publishing.ts";

let room: ChaosRoom;
let gateway: GatewayRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  gateway = await startGatewayRoom({ room, executions: "real", settings: { PLATEN_RECONCILE_MS: "200" } });
  await room.worker();
});
afterAll(async () => {
  await gateway?.close();
  await room?.close();
});

const publish = (draft: Draft, headers: Record<string, string> = {}) =>
  gateway.call("POST", `/projects/${draft.project}/versions/1/publish`, {
    body: { target_environment: "dev" },
    headers,
  });
const remove = (draft: Draft) => gateway.call("DELETE", `/projects/${draft.project}`);
const small = (config?: null) => room.draft({ descriptor: SMALL, ...(config === null ? { config } : {}) });
const told = ({ status, body }: Answer): string => `${status} ${body?.code ?? ""}`;

async function expectPublished(draft: Draft, job: string): Promise<void> {
  expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
  await expectReleasedOnce(room, draft, [job]);
  await expectSoundLedger(room, job, ["completed"]);
}

describe("many clients at once", { timeout: 120_000 }, () => {
  it("with one Idempotency-Key get one job, and the same answer", async () => {
    const draft = await small();
    const headers = { "Idempotency-Key": "same", Connection: "close" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => publish(draft, headers)));
    const [first] = answers;
    for (const { status, body } of answers) {
      const { status: state, message, ...same } = body;
      expect([status, ["queued", "running", "completed"].includes(state), typeof message]).toEqual([
        202,
        true,
        "string",
      ]);
      expect(same).toEqual({ ...first?.body, status: undefined, message: undefined });
    }
    expect(answers.filter((answer) => answer.headers.get("Idempotent-Replayed") === "true")).toHaveLength(19);
    await expectPublished(draft, first?.body.id);
  });

  it("that publish one project get one job between them, and the others learn whom to wait for", async () => {
    const draft = await small();
    const answers = await Promise.all(Array.from({ length: 50 }, () => publish(draft)));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted).toHaveLength(1);
    const { id, links } = accepted[0]?.body ?? {};
    const refused = answers.filter((answer) => answer !== accepted[0]);
    // The last of them may be answered when it is published already.
    const waiting = refused.filter((answer) => told(answer) !== "409 already_live");
    expect(new Set(waiting.map(told))).toEqual(new Set(["409 publish_running"]));
    for (const { body } of waiting) expect(body.facts).toMatchObject({ job: id, link: `/jobs/${id}` });
    expect(links.self).toContain(`/jobs/${id}`);
    await expectPublished(draft, id);
    expect(told(await publish(draft))).toBe("409 already_live");
  });

  it("that publish fifty projects get fifty releases", async () => {
    const drafts = await Promise.all(Array.from({ length: 50 }, () => small()));
    const answers = await Promise.all(drafts.map((draft) => publish(draft)));
    expect(new Set(answers.map(told))).toEqual(new Set(["202 "]));
    for (const [index, draft] of drafts.entries()) await expectPublished(draft, answers[index]?.body.id);
  });
});

describe("deleting a project", { timeout: 60_000 }, () => {
  it("is refused while it is published, and for good once it has a release", async () => {
    const draft = await small();
    const { job, gate } = await room.publishUpTo(draft, "upload");
    const refused = await remove(draft);
    expect(told(refused)).toBe("409 publish_running");
    expect(refused.body.facts).toMatchObject({ job, link: `/jobs/${job}` });
    await gate.open();
    await expectPublished(draft, job);
    expect(told(await remove(draft))).toBe("409 project_published");
    expect((await gateway.call("GET", `/dev/${draft.project}/release.json`)).status).toBe(200);
  });

  it("takes everything of it after a publish that failed, and the slug is free again", async () => {
    const draft = await small();
    const { job, gate } = await room.publishUpTo(draft, "verify_tiles");
    // What keeps it from its release comes late: objects of it are in both stores by then.
    await query(room.database.em.fork(), `update versions set revision = revision + 1 where id = $1`, [
      draft.version_id,
    ]);
    await gate.open();
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "version_changed" });
    const other = await small();
    expect(await objects(draft)).not.toEqual([]);

    expect(told(await remove(draft))).toBe("204 ");
    expect(await rowsOf(draft, job)).toEqual([]);
    expect(await objects(draft)).toEqual([]);
    expect(told(await remove(draft))).toBe("404 project_not_found");
    expect(told(await gateway.call("GET", `/jobs/${job}`))).toBe("404 job_not_found");
    const again = await gateway.call("POST", "/projects", { body: { slug: draft.project, name: "Again" } });
    expect(again.status).toBe(201);
    await expectPublished(other, (await publish(other)).body.id);
  });

  it("at the same moment as a publish: one of them is first, and the other is told so", async () => {
    for (let round = 0; round < 10; round++) {
      const draft = await small();
      const [published, deleted] = await Promise.all([publish(draft), remove(draft)]);
      const outcome = `${told(published)} / ${told(deleted)}`;
      expect(["202  / 409 publish_running", "404 project_not_found / 204 "]).toContain(outcome);
      if (published.status === 202) await expectPublished(draft, published.body.id);
    }
  });

  it("needs the role admin, and finds nobody else's", async () => {
    const draft = await small();
    const path = `/projects/${draft.project}`;
    expect(told(await gateway.call("DELETE", path, { key: gateway.keys.operator }))).toBe("403 forbidden");
    expect(told(await gateway.call("DELETE", path, { key: gateway.keys.foreign }))).toBe("404 project_not_found");
    expect((await gateway.call("GET", path)).status).toBe(200);
  });
});

describe("rows that somebody deletes under a running publish", { timeout: 60_000 }, () => {
  it("end it: it fails with a code that says what is wrong, and gives back what it holds", async () => {
    const versions = `version_id in (select id from versions where project_id = $1)`;
    const cases = [
      { sql: `delete from publish_guards where project_id = $1`, code: "guard_lost" },
      { sql: `delete from tiles where key like '9/%' and ${versions}`, code: "tiles_damaged" },
      { sql: `delete from configs where ${versions}`, code: "release_invalid" },
      { sql: `delete from release_reservations where ${versions}`, code: "internal" },
    ];
    const publishes = [];
    for (const { sql, code } of cases) {
      const draft = await small();
      const { job, gate } = await room.publishUpTo(draft, "validate done");
      await query(room.database.em.fork(), sql, [draft.project_id]);
      await gate.open();
      publishes.push({ draft, job, code });
    }
    for (const { draft, job, code } of publishes) {
      expect(await room.ended(job, 40_000)).toMatchObject({ status: "failed", error_code: code, switched_at: null });
      expect(await guardOf(room, draft)).toBeNull();
      await expectSoundLedger(room, job, ["failed"]);
    }
  });

  it("end its workflow too when the job itself is gone", async () => {
    const draft = await small();
    const { job, gate } = await room.publishUpTo(draft, "generate_release done");
    const db = room.database.em.fork();
    await gate.abort();
    await transaction(room.database, async (tx) => {
      await query(tx, `select 1 from jobs where id = $1 for update`, [job]);
      for (const table of ["job_events", "job_step_results", "publish_guards", "object_claims"])
        await query(tx, `delete from ${table} where job_id = $1`, [job]);
      await query(tx, `delete from jobs where id = $1`, [job]);
    });
    await until("the workflow to close", async () => (await workflowStatus(room, job)) === "FAILED", 40_000);
    expect(await queryOne(db, `select 1 from releases where version_id = $1`, [draft.version_id])).toBeNull();
  });
});

/** Tables that still hold something of the project. */
/** The test's own, and how jobs ended, until the statistics have counted it: that a project is gone does not undo it. */
const KEPT = new Set(["gates", "job_endings", "job_samples"]);

async function rowsOf(draft: Draft, job: string): Promise<string[]> {
  const db = room.database.em.fork();
  const columns = await query<{ table_name: string; column_name: string }>(
    db,
    `select table_name, column_name from information_schema.columns
     where table_schema = 'public' and column_name in ('project_id', 'version_id', 'job_id')`,
  );
  const value = { project_id: draft.project_id, version_id: draft.version_id, job_id: job } as Record<string, string>;
  const left = [];
  for (const { table_name, column_name } of columns) {
    const sql = `select 1 from ${table_name} where ${column_name} = $1 limit 1`;
    if (!KEPT.has(table_name) && (await queryOne(db, sql, [value[column_name]]))) left.push(table_name);
  }
  return left;
}

async function objects({ project }: Draft): Promise<string[]> {
  const found = [];
  for await (const { key } of room.stores.private.list(`harbour/${project}/`)) found.push(key);
  for await (const { key } of room.stores.public.list(`${project}/`)) found.push(key);
  return found;
}
