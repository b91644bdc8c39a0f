/** Who did what, when, from where: of every route that changes something, of the key command, of operators in Temporal. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import sharp from "sharp";
import { query } from "../../src/db.ts";
import { createKey } from "../../src/dev/create-key.ts";
import { adopt } from "../../src/jobs/protocol/adopt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { runPlaten } from "../cli/run-platen.ts";
import { createDraft, queueJob, type Draft } from "../support/publishing.ts";
import { scriptedExecutions, type ScriptedExecutions } from "../support/scripted-executions.ts";
import { makeExisting, nameOf, pathOf, routes, typeOf } from "./every-route.ts";
import { firstAttempt, startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let temporal: ScriptedExecutions;

beforeAll(async () => {
  temporal = scriptedExecutions();
  room = await startGatewayRoom({ executions: temporal, settings: { PLATEN_TRUSTED_PROXIES: "1" } });
});
afterAll(() => room?.close());

/** ISO 8601 has them all, PostgreSQL none. */
const ODD_MOMENTS = ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"];

interface Told {
  action: string;
  outcome: string;
  principal: { name: string };
  resource: { type: string; id: string | null };
  [name: string]: unknown;
}

const audit = async (search = ""): Promise<Told[]> =>
  (await room.call("GET", `/audit?limit=1000${search}`)).body.events;
const mutating = routes.filter(({ method, role }) => method !== "get" && role !== null);

/** What each route that changes something is sent so that it does; others take part with an empty body, whatever becomes of it. */
const SCHEDULE = {
  ...{ type: "maintenance", payload: { dry_run: true } },
  spec: { every_seconds: 86_400 },
};

/** The path of a new one. */
async function scheduleOf(): Promise<string> {
  const { status, body } = await room.call("POST", "/schedules", { body: { ...SCHEDULE, name: randomUUID() } });
  expect([status, body]).toEqual([201, body]);
  return `/schedules/${body.id}`;
}

const SUCCESSES: Record<string, (draft: Draft) => Promise<{ path: string; body?: unknown; type?: string }>> = {
  "POST /projects": async () => ({ path: "/projects", body: { slug: "audited", name: "Audited" } }),
  "DELETE /projects/:slug": async ({ project }) => ({ path: `/projects/${project}` }),
  "POST /projects/:slug/versions": async ({ project }) => ({ path: `/projects/${project}/versions`, body: {} }),
  "PUT /projects/:slug/versions/:version/config": async (draft) => ({ path: `${of(draft)}/config`, body: { a: 1 } }),
  "PUT /projects/:slug/versions/:version/layers": async (draft) => ({ path: `${of(draft)}/layers`, body: [] }),
  "PUT /projects/:slug/versions/:version/overlays": async (draft) => ({
    ...{ path: `${of(draft)}/overlays`, type: "application/geo+json" },
    body: { type: "FeatureCollection", features: [] },
  }),
  "PUT /projects/:slug/versions/:version/tiles.dzi": async (draft) => ({
    ...{ path: `${of(draft)}/tiles.dzi`, type: "application/xml" },
    body: `<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="png" Overlap="1" TileSize="256"><Size Width="600" Height="400"/></Image>`,
  }),
  "PUT /projects/:slug/versions/:version/tiles/:level/:name": async (draft) => ({
    ...{ path: `${of(draft)}/tiles/0/0_0.png`, type: "image/png" },
    body: await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
      .png()
      .toBuffer(),
  }),
  "POST /projects/:slug/versions/:version/publish": async (draft) => ({ path: `${of(draft)}/publish`, body: {} }),
  "POST /jobs": async () => ({ path: "/jobs", body: { type: "maintenance", payload: { dry_run: true } } }),
  "PUT /schedules/:schedule": async () => ({ path: await scheduleOf(), body: { ...SCHEDULE, name: "changed" } }),
  "POST /schedules/:schedule/pause": async () => ({ path: `${await scheduleOf()}/pause`, body: {} }),
  "POST /schedules/:schedule/unpause": async () => ({ path: `${await scheduleOf()}/unpause`, body: {} }),
  "POST /schedules/:schedule/trigger": async () => ({ path: `${await scheduleOf()}/trigger`, body: {} }),
  "DELETE /schedules/:schedule": async () => ({ path: await scheduleOf() }),
  "POST /jobs/:id/cancel": async (draft) => ({
    ...{ path: `/jobs/${await queueJob(room, draft, "staging")}/cancel`, body: { reason: "Not now" } },
  }),
  "POST /jobs/:id/retry": async (draft) => {
    const id = await queueJob(room, draft, "dev");
    await room.call("POST", `/jobs/${id}/cancel`, { body: {} });
    return { path: `/jobs/${id}/retry`, body: {} };
  },
};
const of = ({ project }: Draft): string => `/projects/${project}/versions/1`;

async function send(
  method: string,
  request: { path: string; body?: unknown; type?: string },
  headers = {},
): Promise<Answer> {
  const { path, body, type = "application/json" } = request;
  const raw = body instanceof Uint8Array || typeof body === "string";
  const response = await fetch(room.url + path, {
    method,
    headers: {
      Authorization: `Bearer ${room.keys.admin}`,
      ...(body === undefined ? {} : { "Content-Type": type }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : "" };
}

describe("the audit trail", () => {
  it("knows how to make every route of this page succeed", () => {
    expect(Object.keys(SUCCESSES).filter((name) => !mutating.some((route) => nameOf(route) === name))).toEqual([]);
  });

  it.each(mutating.map((route) => [nameOf(route), route] as const))("has one event of %s", async (name, route) => {
    const succeed = SUCCESSES[name];
    const request = succeed
      ? await succeed(await createDraft(room))
      : { path: pathOf(route, await makeExisting(room)), ...(route.body ? { body: {}, type: typeOf(route) } : {}) };
    const request_id = `audit-${name.replaceAll(/\W+/g, "-")}`.slice(0, 64);
    const answer = await send(route.method.toUpperCase(), request, { "X-Request-Id": request_id });
    if (succeed) expect([answer.status < 300, answer.body]).toEqual([true, answer.body]);
    const events = (await audit()).filter((event) => event["request_id"] === request_id);
    // Whatever has changed is in it; a request that the schemas refuse has not come so far.
    if (answer.status >= 300) return expect(events.every(({ outcome }) => outcome !== "succeeded")).toBe(true);
    expect(events).toHaveLength(1);
    const [event] = events;
    expect(event).toMatchObject({
      ...{ source: "api", outcome: "succeeded", status: answer.status, code: null },
      principal: { name: "admin of harbour", role: "admin", id: expect.any(String) },
      resource: { type: expect.any(String), id: expect.any(String) },
      remote_address: expect.stringMatching(/^127\.|^::1/),
    });
  });

  it("has who asked for what, with which words, and what it made", async () => {
    const draft = await createDraft(room);
    const { body: job } = await room.call("POST", `${of(draft)}/publish`, { body: { target_environment: "dev" } });
    await room.call("POST", `/jobs/${job.id}/cancel`, {
      ...{ body: { reason: "The plan is wrong" }, key: room.keys.operator },
      headers: { "User-Agent": "a test", "X-Forwarded-For": "203.0.113.9, 198.51.100.7" },
    });
    const [cancel, publish] = await audit(`&job=${job.job_id}`);
    expect(publish).toMatchObject({
      ...{ action: "version.publish", project: draft.project, job_id: job.job_id },
      resource: { type: "version", id: `${draft.project}/1` },
      details: { target_environment: "dev" },
    });
    expect(cancel).toMatchObject({
      ...{ action: "job.cancel", job_id: job.job_id, resource: { type: "job", id: job.id } },
      ...{ principal: { name: "operator of harbour", role: "operator" }, user_agent: "a test" },
      // What the proxy of ours saw, and not what the client claimed.
      ...{ remote_address: "198.51.100.7", details: { reason: "The plan is wrong" } },
    });
  });

  it("has what was refused, with its code; and nothing of what was only read", async () => {
    const before = (await audit()).length;
    await room.call("GET", "/jobs");
    await room.call("POST", "/jobs/0193a000-0000-7000-8000-000000000000/cancel", { body: {} });
    const events = await audit();
    expect(events.length).toBe(before + 1);
    expect(events[0]).toMatchObject({
      ...{ action: "job.cancel", outcome: "refused", status: 404, code: "job_not_found" },
    });
  });

  it("has what was refused for its role, before anybody reads what was sent", async () => {
    const { project } = await createDraft(room);
    const request = { path: `/projects/${project}/versions/1/config`, body: { a: 1 } };
    for (const key of [room.keys.viewer, room.keys.admin]) {
      const answer = await room.call("PUT", request.path, { body: key === room.keys.viewer ? "{" : {}, key });
      expect(answer.status).toBe(key === room.keys.viewer ? 403 : 200);
    }
    const events = (await audit(`&project=${project}`)).map(({ principal, outcome, code, resource }) => [
      ...[principal.name, outcome, code, resource.id],
    ]);
    const named = `${project}/1`;
    expect(events).toEqual([
      ["admin of harbour", "succeeded", null, named],
      ["viewer of harbour", "refused", "forbidden", named],
    ]);
  });

  it.each(["cancel", "retry"])("has of which group a %s was refused", async (action) => {
    const body = { members: [{ key: "a", type: "maintenance", payload: { dry_run: true } }] };
    const { body: group } = await room.call("POST", "/groups", { body });
    const path = `/groups/${group.id}/${action}`;
    expect((await room.call("POST", path, { body: {}, key: room.keys.viewer })).status).toBe(403);
    const [event] = await audit(`&job=${group.id}&outcome=refused`);
    expect(event).toMatchObject({ action: `group.${action}`, job_id: group.job_id, code: "forbidden" });
  });

  it("says unknown of what nobody can tell: the process died between the event and its outcome", async () => {
    const [event] = await audit();
    await query(
      room.database.em.fork(),
      `
      insert into audit_events (id, tenant_id, source, principal, action, resource_type)
      select gen_random_uuid(), tenant_id, 'api', 'Ada', 'config.replace', 'config' from audit_events where id = $1
      `,
      [event!["id"]],
    );
    expect((await audit("&outcome=unknown")).map(({ action, outcome }) => [action, outcome])).toEqual([
      ["config.replace", "unknown"],
    ]);
  });

  it("changes nothing when the event cannot be written", async () => {
    const db = room.database.em.fork();
    await query(db, `alter table audit_events add constraint refuse_all check (action <> 'project.create') not valid`);
    const { status } = await room.call("POST", "/projects", { body: { slug: "unseen", name: "Unseen" } });
    expect(status).toBe(500);
    expect((await room.call("GET", "/projects/unseen")).status).toBe(404);
    await query(db, `alter table audit_events drop constraint refuse_all`);
  });

  it.each([
    "update audit_events set principal = 'nobody'",
    "delete from audit_events",
    "truncate audit_events cascade",
    "update audit_outcomes set outcome = 'refused'",
    "delete from audit_outcomes",
    "truncate audit_outcomes",
  ])("refuses %s", async (sql) => {
    await expect(query(room.database.em.fork(), sql)).rejects.toThrow("the audit trail is append-only");
  });

  it("is for admins, of their own tenant", async () => {
    expect((await room.call("GET", "/audit", { key: room.keys.operator })).status).toBe(403);
    expect((await room.call("GET", "/audit", { key: room.keys.foreign })).body.events).toEqual([]);
  });

  it("is narrowed by what was done, by whom, where and when, page by page", async () => {
    const all = await audit();
    const jobs = await audit("&action=job");
    expect(jobs.map(({ action }) => action)).toEqual(
      all.map(({ action }) => action).filter((each) => each.startsWith("job.")),
    );
    expect((await audit("&action=job.cancel")).every(({ action }) => action === "job.cancel")).toBe(true);
    expect(await audit("&action=jo")).toEqual([]);
    expect(await audit("&principal=operator%20of%20harbour")).toHaveLength(1);
    const middle = all[Math.floor(all.length / 2)]!["at"] as string;
    const [newer, older] = [await audit(`&since=${middle}`), await audit(`&until=${middle}`)];
    expect([...newer, ...older].map(({ id }) => id as string)).toEqual(all.map(({ id }) => id as string));
    expect(await audit("&job=job_that_is_none")).toEqual([]);
    const paged: string[] = [];
    for (let cursor = ""; ;) {
      const { body } = await room.call("GET", `/audit?limit=3${cursor}`);
      paged.push(...body.events.map(({ id }: Told) => id));
      if (!body.next_cursor) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(paged).toEqual(all.map(({ id }) => id as string));
  });
});

describe("exports", () => {
  it("are the same events, one a line", async () => {
    const { body, headers } = await room.call("GET", "/audit?format=ndjson");
    expect(headers.get("Content-Type")).toContain("application/x-ndjson");
    const lines = (body as string)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toEqual(await audit());
  });

  it("hold more than a page", async () => {
    await query(
      room.database.em.fork(),
      `
      insert into audit_events (id, tenant_id, at, source, principal, action, resource_type)
      select gen_random_uuid(), $1, now() - interval '1 year' + n * interval '1 ms', 'cli', 'many', 'key.create', 'key'
      from generate_series(1, 2500) n
      `,
      [room.tenant_id],
    );
    const { body } = await room.call("GET", "/audit?format=ndjson&principal=many");
    const ids = (body as string)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).id);
    expect(new Set(ids).size).toBe(2_500);
    const { body: some } = await room.call("GET", "/audit?format=csv&principal=many&limit=1500");
    expect((some as string).trimEnd().split("\r\n")).toHaveLength(1_501);
  });

  it.each(["json", "ndjson", "csv"])(
    "as %s are refused before they begin for a moment that is none",
    async (format) => {
      for (const name of ["since", "until"])
        for (const moment of ODD_MOMENTS) {
          const search = `format=${format}&${name}=${encodeURIComponent(moment)}`;
          const { status, body } = await room.call("GET", `/audit?${search}`);
          expect([moment, status, body.errors?.[0]?.path]).toEqual([moment, 400, `/${name}`]);
        }
    },
  );

  it.each(["json", "ndjson", "csv"])("as %s take every offset that ISO 8601 has", async (format) => {
    const now = Date.now();
    for (const [offset, minutes] of [
      ["+23:59", 1_439],
      ["-23:59", -1_439],
      ["+16:00", 960],
    ] as const) {
      const local = new Date(now + 60_000 + minutes * 60_000).toISOString().slice(0, -1);
      const at = encodeURIComponent(local + offset);
      const none = await room.call("GET", `/audit?format=${format}&since=${at}`);
      const all = await room.call("GET", `/audit?format=${format}&until=${at}&limit=3`);
      expect([none.status, all.status]).toEqual([200, 200]);
      const count = (body: Answer["body"]): number =>
        format === "json" ? body.events.length : body.split("\n").length - (format === "csv" ? 2 : 1);
      expect([offset, count(none.body), count(all.body)]).toEqual([offset, 0, 3]);
    }
  });

  it.each(["ndjson", "csv"])("as %s that cannot be read answer so, and do not begin", async (format) => {
    const db = room.database.em.fork();
    await query(db, `alter table audit_outcomes rename to audit_outcomes_away`);
    const { status, headers, body } = await room.call("GET", `/audit?format=${format}`);
    await query(db, `alter table audit_outcomes_away rename to audit_outcomes`);
    expect([status, headers.get("Content-Type"), body.code]).toEqual([500, "application/problem+json", "internal"]);
    expect(headers.get("Content-Disposition")).toBeNull();
  });

  it("never make a spreadsheet reckon: a value that looks like a formula begins with an apostrophe", async () => {
    const hostile = ['=HYPERLINK("http://x")', "+1", "-2+3", "@SUM(A1)", 'say "hi", twice'];
    for (const [at, agent] of hostile.entries()) {
      const headers = { "User-Agent": agent, "X-Request-Id": `hostile-${at}` };
      await room.call("POST", "/jobs/0193a000-0000-7000-8000-000000000000/cancel", { body: {}, headers });
    }
    const { body, headers } = await room.call("GET", "/audit?format=csv&limit=5");
    expect(headers.get("Content-Type")).toContain("text/csv");
    expect(headers.get("Content-Disposition")).toBe('attachment; filename="audit.csv"');
    const [head, ...lines] = (body as string).trimEnd().split("\r\n");
    expect(head).toMatch(/^id,at,source,principal,principal_id,role,action,/);
    expect(lines).toHaveLength(5);
    expect(
      lines.toReversed().map((line) => line.includes("hostile-0") && line.includes(`"'=HYPERLINK(""http://x"")"`))[0],
    ).toBe(true);
    for (const plain of [",'+1,", ",'-2+3,", ",'@SUM(A1),", ',"say ""hi"", twice",']) expect(body).toContain(plain);
  });
});

describe("beside the API", () => {
  it("a key that is made at the command line is in it, without the key", async () => {
    const key = await createKey(room.databaseUrl, { tenant: "harbour", name: "Grace", role: "viewer" });
    const [event] = await audit("&action=key.create&source=cli");
    expect(event).toMatchObject({ outcome: "succeeded", details: { name: "Grace", role: "viewer" } });
    const rows = await query(room.database.em.fork(), `select * from audit_events`);
    expect(JSON.stringify(rows)).not.toContain(key.slice(-20));
  });

  it("what operators do in Temporal is in it, once the row says so", async () => {
    temporal.reset();
    const job = await queueJob(room, await createDraft(room), "dev");
    await enterStep(room.deps, firstAttempt(job), { step: "validate", message: "working" });
    temporal.current = { run_id: "run-2", open: true, status: "RUNNING", reset: true, generation: 1 };
    const reset = { ...firstAttempt(job), run_id: "run-2", attempt_at: 2, reset: true };
    const entered = await adopt(
      room.deps,
      reset,
      { run_id: "run-1", generation: 1 },
      { step: "validate", message: "again" },
    );
    if (entered.kind !== "entered") throw new Error(entered.kind);
    await settleJob(room.deps, entered.grip, {
      status: "cancelled",
      code: "terminated_by_operator",
      message: "Terminated",
    });
    const events = await audit(`&job=${job}&source=temporal`);
    expect(events.map(({ action, principal }) => [action, principal.name])).toEqual([
      ["job.terminate", "an operator"],
      ["job.reset", "an operator"],
    ]);
  });

  it("platen audit tells it in a terminal, as JSON lines and as CSV", async () => {
    const env = { PLATEN_SERVER: room.url, PLATEN_API_KEY: room.keys.admin };
    const told = await runPlaten(["audit", "--action", "job.cancel", "--limit", "2"], { env });
    expect(told.code).toBe(0);
    expect(told.stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(told.stdout).toMatch(/admin of harbour\s+job\.cancel\s+.*refused/);
    expect((await runPlaten(["audit", "--limit", "2", "--json"], { env })).json()).toHaveLength(2);
    const { stdout } = await runPlaten(["audit", "--csv", "--limit", "1"], { env });
    expect(stdout.split("\r\n")).toHaveLength(3);
  });
});
