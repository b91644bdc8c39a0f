/** Uploads that a payload names: they are there when the job is accepted, and stay for as long as it may wait and work. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { runSecondsOf } from "../../contract/job-start.ts";
import type { JobType } from "../../contract/job-types.ts";
import { putArtifact } from "../../src/artifacts/artifact-store.ts";
import { query } from "../../src/db.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { startRun } from "../../src/jobs/schedules/start-run.ts";
import { expireArtifacts } from "../../src/maintenance/objects-store.ts";
import { createDraft, type Draft } from "../support/publishing.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let draft: Draft;
beforeAll(async () => {
  room = await startGatewayRoom();
});
beforeEach(async () => {
  draft = await createDraft(room);
});
afterAll(() => room?.close());

const NOBODY = "00000000-0000-4000-8000-000000000000";
const db = () => room.database.em.fork();
const post = (path: string, body: unknown) => room.call("POST", path, { body });

/** About to expire: in an hour; or an hour ago. */
async function upload(seconds = 3_600): Promise<string> {
  const id = uuidv7();
  await putArtifact(db(), {
    ...{ id, tenant_id: room.tenant_id, kind: "upload", job_id: null, project_id: null, created_by: null },
    ...{ name: "plots.csv", media_type: "text/plain", size: 1, sha256: "0".repeat(64) },
    expires_at: new Date(Date.now() + seconds * 1_000).toISOString(),
  });
  return id;
}

/** Seconds from now on. */
async function staysFor(id: string): Promise<number> {
  const sql = `select extract(epoch from expires_at - now())::float8 as seconds from artifacts where id = $1`;
  return (await query<{ seconds: number }>(db(), sql, [id]))[0]?.seconds ?? Number.NaN;
}

const inSource = (artifact: string) => ({ source: { artifact } });
const inBlock = (artifact: string) => ({ specification: { content: [{ type: "picture", artifact }] } });
const NAMING: [type: JobType, place: string, payload: (artifact: string) => object][] = [
  ["bulk_import", "/source/artifact", inSource],
  ["svg_import", "/source/artifact", inSource],
  ["tile_generation", "/source/artifact", inSource],
  ["document_generation", "/specification/content/0/artifact", inBlock],
];
const payloadOf = (type: JobType, more: object) => ({
  ...{ project: draft.project, version: 1, ...more },
  ...(type === "document_generation" ? { format: "pdf", title: "Plots" } : {}),
});

describe.each(NAMING)("a %s", (type, place, named) => {
  it("keeps the upload that it names for as long as it may wait in line and work", async () => {
    const id = await upload();
    expect((await post("/jobs", { type, payload: payloadOf(type, named(id)) })).status).toBe(202);
    expect(await staysFor(id)).toBeGreaterThan(runSecondsOf(type));
  });

  it.each([
    ["never was", async () => NOBODY],
    ["has expired", () => upload(-3_600)],
  ])("that names one that %s is refused, with its place, and nothing is made", async (_, one) => {
    const id = await one();
    const before = await query(db(), `select 1 from jobs`);
    const { status, body } = await post("/jobs", { type, payload: payloadOf(type, named(id)) });
    expect({ status, code: body.code }).toEqual({ status: 400, code: "invalid_request" });
    expect(body.errors).toMatchObject([{ code: "upload_not_found", path: `/payload${place}`, value: id }]);
    expect(await query(db(), `select 1 from jobs`)).toHaveLength(before.length);
  });

  it("in a group keeps it for as long as the group may take besides, or is told with its place", async () => {
    const id = await upload();
    const member = (key: string, artifact: string) => ({ key, type, payload: payloadOf(type, named(artifact)) });
    expect((await post("/groups", { members: [member("a", id)] })).status).toBe(202);
    expect(await staysFor(id)).toBeGreaterThan(runSecondsOf("group") + runSecondsOf(type));
    const { status, body } = await post("/groups", { members: [member("a", id), member("b", NOBODY)] });
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ code: "upload_not_found", path: `/members/1/payload${place}` }]);
  });
});

it("another tenant's upload is none", async () => {
  const id = await upload();
  const payload = { ...inSource(id), dry_run: true };
  const { body } = await room.call("POST", "/jobs", { key: room.keys.foreign, body: { type: "bulk_import", payload } });
  expect(body.errors).toMatchObject([{ code: "upload_not_found", path: "/payload/source/artifact" }]);
});

it("a retry keeps what its job names for as long again", async () => {
  const id = await upload();
  const { body } = await post("/jobs", { type: "svg_import", payload: payloadOf("svg_import", inSource(id)) });
  await query(db(), `update jobs set status = 'failed' where id = $1`, [body.id]);
  await query(db(), `update artifacts set expires_at = now() + interval '1 minute' where id = $1`, [id]);
  await retryJob(room.deps, { job_id: body.id, by: { tenant_id: room.tenant_id, name: "Ada" }, start: false });
  expect(await staysFor(id)).toBeGreaterThan(runSecondsOf("svg_import"));
});

it("a retry of a group does so for its members, begun or not", async () => {
  const id = await upload();
  const members = [{ key: "plan", type: "svg_import", payload: payloadOf("svg_import", inSource(id)) }];
  const { body } = await post("/groups", { members });
  await query(db(), `update jobs set status = 'failed' where id = $1`, [body.id]);
  await query(db(), `update artifacts set expires_at = now() + interval '1 minute' where id = $1`, [id]);
  await retryJob(room.deps, { job_id: body.id, by: { tenant_id: room.tenant_id, name: "Ada" }, start: false });
  expect(await staysFor(id)).toBeGreaterThan(runSecondsOf("group") + runSecondsOf("svg_import"));
});

describe("a schedule", () => {
  const NEVER = { cron: "0 0 1 1 *", time_zone: "UTC" };
  const scheduleOf = (artifact: string, name = uuidv7()) => ({
    ...{ name, type: "svg_import", spec: NEVER, payload: payloadOf("svg_import", inSource(artifact)) },
  });
  /** As if it had been made long ago. */
  const age = (id: string) =>
    query(db(), `update artifacts set expires_at = now() - interval '1 hour' where id = $1`, [id]);
  const expired = async () =>
    (await expireArtifacts(db(), { tenant_id: room.tenant_id, dry_run: false, limit: 100 })).map(({ id }) => id);

  it("keeps the upload that it names for as long as it lives, and its runs start with it", async () => {
    const id = await upload();
    const { status, body } = await post("/schedules", scheduleOf(id));
    expect(status, JSON.stringify(body)).toBe(201);
    await age(id);
    expect(await expired()).not.toContain(id);
    expect((await room.call("GET", `/uploads/${id}`)).status).toBe(200);
    const run = { schedule_id: body.id, run_key: uuidv7(), scheduled_at: new Date().toISOString(), revision: 1 };
    await startRun(room.deps, run);
    expect(await staysFor(id)).toBeGreaterThan(runSecondsOf("svg_import"));
    await age(id);
    expect((await room.call("DELETE", `/schedules/${body.id}`)).status).toBe(204);
    expect((await room.call("GET", `/uploads/${id}`)).status).toBe(404);
    expect(await expired()).toContain(id);
  });

  it("that names one that is not there is refused, alone and in a group, with its place", async () => {
    const alone = await post("/schedules", scheduleOf(NOBODY));
    expect(alone.body.errors).toMatchObject([{ code: "upload_not_found", path: "/payload/source/artifact" }]);
    const { payload, ...rest } = scheduleOf(NOBODY);
    const members = [{ key: "plan", type: "svg_import", payload }];
    const group = await post("/schedules", { ...rest, type: "group", payload: { members } });
    const path = "/payload/members/0/payload/source/artifact";
    expect(group.body.errors).toMatchObject([{ code: "upload_not_found", path }]);
  });

  it("that is changed to another upload lets the first one go", async () => {
    const [first, second] = [await upload(), await upload()];
    const { body } = await post("/schedules", scheduleOf(first, "changing"));
    expect((await room.call("PUT", `/schedules/${body.id}`, { body: scheduleOf(second, "changing") })).status).toBe(
      200,
    );
    await age(first);
    await age(second);
    const gone = await expired();
    expect([gone.includes(first), gone.includes(second)]).toEqual([true, false]);
  });
});
