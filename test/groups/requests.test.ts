/** What may be asked of groups over HTTP, and what is answered to what may not. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { putArtifact } from "../../src/artifacts/artifact-store.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { createDraft, type Draft } from "../support/publishing.ts";
import { query } from "../../src/db.ts";
import { nothing } from "./group-room.ts";

let room: GatewayRoom;
let draft: Draft;
beforeAll(async () => {
  room = await startGatewayRoom();
  draft = await createDraft(room);
  await putArtifact(room.database.em.fork(), {
    ...{ id: ARTIFACT, tenant_id: room.tenant_id, kind: "upload", job_id: null, project_id: null, created_by: null },
    ...{ name: "plan.svg", media_type: "image/svg+xml", size: 1, sha256: "0".repeat(64), expires_at: null },
  });
});
afterAll(() => room?.close());

const post = (body: unknown, path = "/groups") => room.call("POST", path, { body });
const publish = (key: string, payload: object = {}) => ({
  ...{ key, type: "publish", payload: { project: draft.project, version: 1, target_environment: "dev", ...payload } },
});

const ARTIFACT = "00000000-0000-4000-8000-000000000000";
const tilesOf = ({ project }: Draft) => ({
  ...{ key: "tiles", type: "tile_generation" },
  payload: { project, version: 1, source: { artifact: ARTIFACT } },
});

const groupCount = async (): Promise<number> =>
  (await query(room.database.em.fork(), `select 1 from jobs where job_type = 'group'`)).length;

const LATER = "2100-01-01T00:00:00.000Z";

it.each([
  ["/groups", () => ({ members: [nothing("a")] })],
  ["/jobs", () => ({ type: "group", payload: { members: [nothing("a")] } })],
  ["/groups/import-and-publish", () => ({ project: draft.project, version: 1, target_environment: "dev" })],
])("at %s a group is told what any job may be told", async (path, body) => {
  const terms = { title: "Harbour, spring", priority: 1, deadline: LATER, expires_at: LATER, max_retries: 2 };
  const { status, body: group } = await post({ ...body(), ...terms }, path);
  expect([status, group.errors]).toEqual([202, undefined]);
  expect((await room.call("GET", `/jobs/${group.id}`)).body).toMatchObject({
    ...{ type: "group", title: "Harbour, spring", priority: 1, deadline_at: LATER, expires_at: LATER, max_retries: 2 },
  });
  const over = await post({ ...body(), deadline: "2020-01-01T00:00:00Z" }, path);
  expect(over.body.errors).toMatchObject([{ code: "not_in_future", path: "/deadline" }]);
});

/** Each problem: code and place. */
const BAD: [what: string, body: () => unknown, problems: [code: string, path: string][]][] = [
  ["no members", () => ({ members: [] }), [["too_small", "/members"]]],
  ["no list of members", () => ({}), [["required", "/members"]]],
  [
    "a member without a key and type",
    () => ({ members: [{}] }),
    [
      ["required", "/members/0/key"],
      ["required", "/members/0/type"],
    ],
  ],
  [
    "too many members",
    () => ({ members: Array.from({ length: 1_001 }, (_, at) => nothing(`m${at}`)) }),
    [["too_big", "/members"]],
  ],
  ["a key that is none", () => ({ members: [nothing("a b")] }), [["invalid_format", "/members/0/key"]]],
  [
    "a field that does not exist",
    () => ({ members: [{ ...nothing("a"), after: "b" }] }),
    [["unknown_field", "/members/0/after"]],
  ],
  ["a priority of 9", () => ({ members: [{ ...nothing("a"), priority: 9 }] }), [["too_big", "/members/0/priority"]]],
  [
    "a weight below nothing",
    () => ({ members: [{ ...nothing("a"), weight: -1 }] }),
    [["too_small", "/members/0/weight"]],
  ],
  [
    "an ending that is none",
    () => ({ members: [nothing("a")], on_failure: "retry" }),
    [["invalid_value", "/on_failure"]],
  ],
  ["none at a time", () => ({ members: [nothing("a")], concurrency: 0 }), [["too_small", "/concurrency"]]],
  [
    "many things at once",
    () => ({
      members: [
        nothing("a", "nobody"),
        nothing("a"),
        { key: "b", type: "unknown" },
        { key: "c", type: "group", payload: { members: [] } },
        publish("d", { version: "one" }),
        publish("e", { version: 99 }),
        publish("f", { project: "atlantis" }),
      ],
    }),
    [
      ["duplicate_key", "/members/1/key"],
      ["unknown_dependency", "/members/0/depends_on/0"],
      ["job_type_unknown", "/members/2/type"],
      ["group_in_group", "/members/3/type"],
      ["invalid_type", "/members/4/payload/version"],
      ["version_not_found", "/members/5/payload/version"],
      ["project_not_found", "/members/6/payload/project"],
    ],
  ],
  [
    "members that wait for each other",
    () => ({ members: [nothing("x"), nothing("a", "c", "x"), nothing("b", "a"), nothing("c", "b")] }),
    [["dependency_cycle", "/members/1/depends_on"]],
  ],
  [
    "a member that waits for itself",
    () => ({ members: [nothing("a", "a")] }),
    [["dependency_cycle", "/members/0/depends_on"]],
  ],
];

describe("POST /groups", () => {
  it.each(BAD)("with %s says what is wrong and where, and starts nothing", async (_, body, problems) => {
    const before = await groupCount();
    const { status, body: answer } = await post(body());
    expect({ status, code: answer.code }).toEqual({ status: 400, code: "invalid_request" });
    const told = answer.errors.map(({ code, path }: { code: string; path: string }) => [code, path]);
    expect(told).toEqual(problems);
    expect(await groupCount()).toBe(before);
  });

  it("names the members in a circle", async () => {
    const { body } = await post({ members: [nothing("a", "b"), nothing("b", "a")] });
    expect(body.errors[0].message).toContain("a → b → a");
  });

  it("is accepted as POST /jobs too, whose problems have its places", async () => {
    const accepted = await room.call("POST", "/jobs", {
      body: { type: "group", payload: { members: [nothing("a")] } },
    });
    expect(accepted).toMatchObject({ status: 202, body: { type: "group", status: "queued" } });
    const refused = await room.call("POST", "/jobs", {
      body: { type: "group", payload: { members: [nothing("a", "b")] } },
    });
    expect(refused.body.errors[0].path).toBe("/payload/members/0/depends_on/0");
  });

  it("needs the role that each member needs", async () => {
    const { status, body } = await room.call("POST", "/groups", {
      body: { members: [nothing("a")] },
      key: room.keys.operator,
    });
    expect({ status, code: body.code }).toEqual({ status: 403, code: "forbidden" });
  });

  it("with an Idempotency-Key makes one group of a request that is repeated", async () => {
    const options = {
      body: { members: [nothing("a")], title: "Nightly" },
      headers: { "Idempotency-Key": "nightly-1" },
    };
    const first = await room.call("POST", "/groups", options);
    const again = await room.call("POST", "/groups", options);
    expect(again.body.id).toBe(first.body.id);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });

  it.each([
    ["/groups", (draft: Draft) => ({ members: [tilesOf(draft)] })],
    ["/jobs", (draft: Draft) => ({ type: "group", payload: { members: [tilesOf(draft)] } })],
    [
      "/groups/import-and-publish",
      ({ project }: Draft) => ({ project, version: 1, target_environment: "dev", picture: { artifact: ARTIFACT } }),
    ],
  ])("a repeat of POST %s under its key is replayed, also when its draft is published by now", async (path, body) => {
    const made = await createDraft(room);
    const options = { body: body(made), headers: { "Idempotency-Key": `published ${path}`.replaceAll(" ", "-") } };
    const first = await room.call("POST", path, options);
    expect(first.status, JSON.stringify(first.body)).toBe(202);
    await query(room.database.em.fork(), `update versions set status = 'published' where id = $1`, [made.version_id]);
    const again = await room.call("POST", path, options);
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
  });
});

describe("GET /groups/{id}", () => {
  it("pages through the members with their states, in the order of the request", async () => {
    const members = [nothing("c", "a"), nothing("a"), nothing("b")];
    const { body: group } = await post({ members, title: "Three" });
    const first = await room.call("GET", `/groups/${group.id}?limit=2`);
    expect(first.body).toMatchObject({
      ...{ id: group.id, type: "group", status: "queued", counts: { queued: 3 }, next_cursor: "2" },
      members: [
        { key: "c", status: "queued", state: "waiting", depends_on: ["a"], link: null },
        { key: "a", status: "queued", state: "due" },
      ],
    });
    const rest = await room.call("GET", `/groups/${group.id}?limit=2&cursor=${first.body.next_cursor}`);
    expect(rest.body).toMatchObject({ members: [{ key: "b" }], next_cursor: null });
    expect((await room.call("GET", `/groups/${group.id}?status=failed`)).body.members).toEqual([]);
  });

  it.each(["", "/stream"])("%s of what is no group, or another tenant's, is not found", async (path) => {
    const { body: job } = await room.call("POST", "/jobs", {
      body: { type: "maintenance", payload: { dry_run: true } },
    });
    const { body: group } = await post({ members: [nothing("a")] });
    for (const [id, key] of [
      [job.id, room.keys.admin],
      ["nothing", room.keys.admin],
      [group.id, room.keys.foreign],
    ])
      expect(await room.call("GET", `/groups/${id}${path}`, { key })).toMatchObject({
        status: 404,
        body: { code: "group_not_found" },
      });
  });
});

describe("a group that is queued", () => {
  it("is cancelled at once, and can be retried", async () => {
    const { body: group } = await post({ members: [nothing("a")] });
    const cancelled = await room.call("POST", `/groups/${group.id}/cancel`, { body: { reason: "not now" } });
    expect(cancelled).toMatchObject({
      status: 202,
      body: { status: "cancelled", cancellation: { stage: "compensated" } },
    });
    expect((await room.call("GET", `/groups/${group.id}`)).body).toMatchObject({ counts: { cancelled: 1 } });
    const { body: foretold } = await room.call("GET", `/jobs/${group.id}/retry-preview`);
    expect(foretold).toMatchObject({
      ...{ allowed: true, reuse: { steps: 0, members: 0 }, run_again: { steps: 1, members: 1 } },
      members: { done: { count: 0, keys: [] }, skipped: { count: 1, keys: ["a"] } },
    });
    const retried = await room.call("POST", `/groups/${group.id}/retry`, { body: {} });
    expect(retried).toMatchObject({ status: 202, body: { generation: 2, from: "run_members" } });
    const { body: job } = await room.call("POST", "/jobs", {
      body: { type: "maintenance", payload: { dry_run: true } },
    });
    for (const action of ["cancel", "retry"])
      expect(await room.call("POST", `/groups/${job.id}/${action}`, { body: {} })).toMatchObject({ status: 404 });
  });
});

describe("POST /groups/import-and-publish", () => {
  const artifact = ARTIFACT;
  const asked = (more: object) =>
    post({ project: draft.project, version: 1, target_environment: "dev", ...more }, "/groups/import-and-publish");
  const chainOf = async (id: string) =>
    (await room.call("GET", `/groups/${id}`)).body.members.map(
      ({ key, type, depends_on }: { key: string; type: string; depends_on: string[] }) => [key, type, ...depends_on],
    );

  it("makes a chain of what is there, and publishes at its end", async () => {
    const all = await asked({
      picture: { artifact },
      plan: { artifact },
      rows: { url: "http://example.test/rows.csv", dry_run: false },
    });
    expect(all).toMatchObject({ status: 202, body: { type: "group" } });
    expect(await chainOf(all.body.id)).toEqual([
      ["tiles", "tile_generation"],
      ["plan", "svg_import", "tiles"],
      ["rows", "bulk_import", "plan"],
      ["publish", "publish", "rows"],
    ]);
    expect(await chainOf((await asked({ rows: { artifact } })).body.id)).toEqual([
      ["rows", "bulk_import"],
      ["publish", "publish", "rows"],
    ]);
  });

  it("says what is wrong with what its members would be given", async () => {
    const { status, body } = await asked({ version: 99, picture: { artifact } });
    expect(status).toBe(400);
    expect(body.errors.map(({ code }: { code: string }) => code)).toEqual(["version_not_found", "version_not_found"]);
    expect((await asked({ picture: { artifact: "1" } })).body.errors).toMatchObject([{ path: "/picture/artifact" }]);
  });
});
