/** Every form of POST /jobs: what is asked for beside the payload, the seeds' words, and each thing that can be wrong with it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { priorityOfSeeds } from "../../src/gateway/routes/job-requests.ts";
import { createDraft, jobRow } from "../support/publishing.ts";
import { stateOf } from "../support/state-of.ts";
import { startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom();
});
afterAll(() => room?.close());

const start = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  room.call("POST", "/jobs", { body, headers });
const sweep = (more: object = {}) => ({ type: "maintenance", payload: { dry_run: true }, ...more });
const LATER = "2100-01-31T18:00:00.000Z";

describe("a job is started", () => {
  it("with everything that can be said of it, which its view shows", async () => {
    const terms = { title: "Spring clean", priority: 1, deadline: LATER, expires_at: LATER, max_retries: 2 };
    const { status, body } = await start(sweep(terms));
    expect(status).toBe(202);
    expect(body).toMatchObject({ type: "maintenance", status: "queued", jobId: body.job_id });
    const { body: job } = await room.call("GET", `/jobs/${body.id}`);
    expect(job).toMatchObject({
      ...{ title: "Spring clean", name: "Spring clean", priority: 1, max_retries: 2, retry_count: 0 },
      ...{ deadline_at: LATER, expires_at: LATER, parent: null, discarded: null },
      ...{ label: "Maintenance", queue: "maintenance", resource_url: null, download_url: null },
      ...{ payload: { dry_run: true }, capabilities: { cancel: true, retry: false } },
    });
  });

  it("with no more than its type, and has what the type says", async () => {
    const { body } = await start({ type: "maintenance" });
    const { body: job } = await room.call("GET", `/jobs/${body.id}`);
    expect(job).toMatchObject({
      ...{ title: null, name: "Maintenance", priority: 3, deadline_at: null, max_retries: 3 },
      payload: { dry_run: false },
    });
  });

  it("with a deadline of any offset", async () => {
    const { body } = await start(sweep({ deadline: "2100-01-31T18:00:00+14:00" }));
    expect((await room.call("GET", `/jobs/${body.id}`)).body.deadline_at).toBe("2100-01-31T04:00:00.000Z");
  });

  it("at /jobs/enqueue, where the same key answers the same job", async () => {
    const headers = { "Idempotency-Key": "twice" };
    const first = await start(sweep(), headers);
    const second = await room.call("POST", "/jobs/enqueue", { body: sweep(), headers });
    expect([second.status, second.body.jobId, second.body.status]).toEqual([202, first.body.job_id, "queued"]);
    expect(second.headers.get("Idempotent-Replayed")).toBe("true");
  });

  it("and a publish links to its version", async () => {
    const { project } = await createDraft(room);
    const { body } = await start({ type: "publish", payload: { project, version: 1, target_environment: "dev" } });
    const { body: job } = await room.call("GET", `/jobs/${body.id}`);
    expect(job.resource_url).toBe(`http://platen.test/projects/${project}/versions/1`);
    expect(job.payload).toEqual({ project, version: 1, target_environment: "dev" });
  });
});

it("an Idempotency-Key is of one request: another priority or deadline is another", async () => {
  const headers = { "Idempotency-Key": "terms" };
  const { body } = await start(sweep({ priority: 2 }), headers);
  expect((await start(sweep({ priority: 2 }), headers)).body.id).toBe(body.id);
  expect((await start(sweep({ priority: 3 }), headers)).body.code).toBe("idempotency_key_reused");
  expect((await start(sweep({ priority: 2, deadline: LATER }), headers)).body.code).toBe("idempotency_key_reused");
});

it("a repeat is a replay though its deadline is over by then", async () => {
  const deadline = new Date(Date.now() + 1_500).toISOString();
  const key = { "Idempotency-Key": "late-repeat" };
  const first = await start(sweep({ deadline }), key);
  expect(first.status).toBe(202);
  await expect.poll(() => Date.now() > Date.parse(deadline), { timeout: 5_000 }).toBe(true);
  expect((await start(sweep({ deadline }), key)).body.id).toBe(first.body.id);
  expect((await start(sweep({ deadline }))).status).toBe(400);
});

describe("what cannot be used is refused, with its place, its value and what to do", () => {
  type Row = [what: string, body: unknown, path: string, says: RegExp];
  it.each<Row>([
    ["no type", { payload: {} }, "/type", /missing/],
    ["a type that is a number", { type: 7 }, "/type", /expected string/],
    ["a payload that is a list", sweep({ payload: [] }), "/payload", /expected record/],
    ["a payload's field that nobody knows", sweep({ payload: { dry: true } }), "/payload/dry", /no field/],
    ["a payload's field of another type", sweep({ payload: { dry_run: "yes" } }), "/payload/dry_run", /boolean/],
    ["a publish of nothing", { type: "publish" }, "/payload/project", /missing/],
    ["a publish of version 0", { type: "publish", payload: { project: "a", version: 0 } }, "/payload/version", />=1/],
    ["a field that nobody knows", sweep({ urgent: true }), "/urgent", /no field/],
    ["a title of nothing", sweep({ title: "" }), "/title", /must not be empty/],
    ["a title of 201 characters", sweep({ title: "x".repeat(201) }), "/title", /<=200/],
    ["a title with a NUL", sweep({ title: "a\0b" }), "", /U\+0000|NUL/i],
    ["a title with half a character", sweep({ title: "\ud800" }), "", /surrogate/i],
    ["priority 0", sweep({ priority: 0 }), "/priority", /from 1 \(first\) to 5 \(last\)/],
    ["priority 6", sweep({ priority: 6 }), "/priority", /from 1 \(first\) to 5 \(last\)/],
    ["priority 1.5", sweep({ priority: 1.5 }), "/priority", /int/],
    ["priority 1e308", sweep({ priority: 1e308 }), "/priority", /int/],
    [
      "a deadline of yesterday",
      sweep({ deadline: "2020-01-01T00:00:00Z" }),
      "/deadline",
      /must be in the future; here it is 2/,
    ],
    [
      "a deadline behind the year 9999",
      sweep({ deadline: "9999-12-31T23:59:59-00:01" }),
      "/deadline",
      /year 1 to the year 9999, in UTC/,
    ],
    [
      "an expiry in the year 0",
      sweep({ expires_at: "0000-01-01T00:00:00Z" }),
      "/expires_at",
      /year 1 to the year 9999, in UTC/,
    ],
    [
      "a deadline without an offset",
      sweep({ deadline: "2100-01-01T00:00:00" }),
      "/deadline",
      /ISO 8601 with its offset/,
    ],
    ["a deadline that is a day", sweep({ deadline: "2100-01-01" }), "/deadline", /ISO 8601/],
    ["a deadline that does not exist", sweep({ deadline: "2100-02-30T00:00:00Z" }), "/deadline", /ISO 8601/],
    ["a deadline in year 0", sweep({ deadline: "0000-01-01T00:00:00Z" }), "/deadline", /year 1 to the year 9999/],
    ["a deadline in year 275760", sweep({ deadline: "+275760-09-13T00:00:00Z" }), "/deadline", /ISO 8601/],
    ["a deadline that is a number", sweep({ deadline: 4_102_444_800 }), "/deadline", /ISO 8601/],
    ["an expiry of yesterday", sweep({ expires_at: "2020-01-01T00:00:00Z" }), "/expires_at", /must be in the future/],
    ["-1 retries", sweep({ max_retries: -1 }), "/max_retries", />=0/],
    ["1,001 retries", sweep({ max_retries: 1_001 }), "/max_retries", /<=1000/],
    [
      "an unknown kind of document",
      flat({ documentType: "song" }),
      "/documentType",
      /"song" is not one of spreadsheet/,
    ],
    ["a document without a title", flat({ title: undefined }), "/title", /missing/],
    ["a document without code", flat({ code: undefined }), "/code", /missing/],
    ["a document of code that is a number", flat({ code: 7 }), "/code", /string/],
    ["a document of half a priority", flat({ priority: 0.5 }), "/priority", /int/],
    ["a document with a field that nobody knows", flat({ colour: "red" }), "/colour", /no field/],
  ])("%s", async (_, body, path, says) => {
    const before = await stateOf(room.database, room.storeFolder);
    const answer = await start(body);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    const problem = answer.body.errors.find((each: { path: string }) => each.path === path);
    expect(answer.body.errors.map((each: { path: string }) => each.path)).toContain(path);
    expect(problem).toMatchObject({ in: "body", message: expect.stringMatching(says) });
    expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
  });

  it.each(["bake", "PUBLISH", "constructor", ""])("a type called %j, with those that there are", async (type) => {
    const { body, status } = await start({ type });
    expect({ status, code: body.code }).toEqual({ status: 400, code: "job_type_unknown" });
    expect(body.detail).toContain(Object.keys(JOB_TYPES).join(", "));
  });

  it("a role that is too low, before its payload is looked at", async () => {
    const { status, body } = await room.call("POST", "/jobs", { body: sweep({ payload: 7 }), key: room.keys.viewer });
    expect({ status, code: body.code }).toEqual({ status: 403, code: "forbidden" });
    const asked = { body: { type: "maintenance", payload: { dry: 1 } }, key: room.keys.operator };
    expect((await room.call("POST", "/jobs", asked)).body.code).toBe("forbidden");
  });

  it("a payload beyond the limit of bodies", async () => {
    expect((await start(sweep({ title: "x".repeat(1_100_000) }))).body.code).toBe("body_too_large");
  });
});

const flat = (more: object = {}) => ({
  ...{
    documentType: "spreadsheet",
    title: "Sales Report",
    code: "return {}",
    sessionId: "s",
    userId: 123,
    priority: 0,
  },
  ...more,
});

it.each([
  [0, 3],
  [1, 2],
  [2, 1],
  [100, 1],
  [-1, 4],
  [-2, 5],
  [-100, 5],
])("the seeds' priority %i is our %i", (urgency, priority) => {
  expect(priorityOfSeeds(urgency)).toBe(priority);
});

it("jobs are listed by the job that started them", async () => {
  const { body: parent } = await start(sweep());
  const { body: child } = await start(sweep());
  await room.database.em
    .fork()
    .getConnection()
    .execute("update jobs set parent_id = ?, member_key = 'a' where id = ?", [parent.id, child.id]);
  const list = async (id: string) => (await room.call("GET", `/jobs?parent=${id}`)).body.jobs;
  expect(await list(parent.job_id)).toEqual([
    expect.objectContaining({
      id: child.id,
      parent: { id: parent.id, job_id: parent.job_id, key: "a", link: `http://platen.test/jobs/${parent.id}` },
    }),
  ]);
  expect(await list(child.id)).toEqual([]);
  expect(await list("nobody")).toEqual([]);
  expect(await jobRow(room, child.id)).toMatchObject({ parent_id: parent.id });
});
