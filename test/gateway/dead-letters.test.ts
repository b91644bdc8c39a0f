/** Dead letters: which jobs are some, and that each is retried once or put away once, whoever asks and however often. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query, transaction } from "../../src/db.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { createDraft, ledger } from "../support/publishing.ts";
import { firstAttempt, startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
const temporal = scriptedExecutions();
beforeAll(async () => {
  room = await startGatewayRoom({ executions: temporal });
});
afterAll(() => room?.close());
const sql = (text: string, params: unknown[] = []) => query(room.database.em.fork(), text, params);
beforeEach(async () => {
  temporal.reset();
  await sql(`update jobs set discarded_at = now() where status = 'failed' and discarded_at is null`);
});

interface Failing {
  code?: string;
  body?: object;
  generation?: number;
}

/** Runs until it fails; answers its id. */
async function failed({ code = "tile_damaged", body, generation = 1 }: Failing = {}): Promise<string> {
  const { body: job } = await room.call("POST", "/jobs", { body: body ?? { type: "maintenance" } });
  await fail(job.id, { code, generation });
  return job.id;
}

async function fail(id: string, { code, generation }: { code: string; generation: number }): Promise<void> {
  await sql(`update jobs set generation = $2 where id = $1`, [id, generation]);
  const attempt = { ...firstAttempt(id), run_id: `run-${generation}`, generation };
  const entered = await enterStep(room.deps, attempt, { step: "sweep", message: "" });
  if (entered.kind !== "entered") throw new Error(entered.kind);
  await settleJob(room.deps, entered.grip, { status: "failed", code, message: "It failed." });
}

const list = async (query = ""): Promise<Answer["body"]> => (await room.call("GET", `/jobs/dead-letters${query}`)).body;
const listed = async (query = ""): Promise<string[]> => (await list(query)).jobs.map(({ id }: { id: string }) => id);
const retry = (body: object, headers: Record<string, string> = {}): Promise<Answer> =>
  room.call("POST", "/jobs/dead-letters/retry", { body, headers });
const discard = (body: object): Promise<Answer> => room.call("POST", "/jobs/dead-letters/discard", { body });
const readable = (id: string): string => `job_${id.replaceAll("-", "")}`;

describe("a dead letter", () => {
  it.each<[string, Failing, boolean]>([
    ["failed with a code that does not mend itself", { code: "tile_damaged" }, true],
    ["failed with one that does, and has retries left", { code: "unavailable" }, false],
    ["failed with one that does, and has used its retries up", { code: "unavailable", generation: 4 }, true],
    ["may not be retried at all", { code: "unavailable", body: { type: "maintenance", max_retries: 0 } }, true],
    ["failed with a code of another version", { code: "code_of_the_future" }, true],
  ])("is a job that %s: %s", async (_, how, is) => {
    const id = await failed(how);
    expect((await listed()).includes(id)).toBe(is);
  });

  it("is no job that waits, runs, was cancelled or is done", async () => {
    const { body: job } = await room.call("POST", "/jobs", { body: { type: "maintenance" } });
    expect(await listed()).toEqual([]);
    await room.call("POST", `/jobs/${job.id}/cancel`, { body: {} });
    expect(await listed()).toEqual([]);
  });

  it("of another tenant is not listed, retried or discarded", async () => {
    const id = await failed();
    const key = room.keys.foreign;
    expect((await room.call("GET", "/jobs/dead-letters", { key })).body).toMatchObject({ jobs: [], total: 0 });
    const body = { filter: { ids: [id] } };
    const asked = await room.call("POST", "/jobs/dead-letters/retry", { key, body });
    expect(asked.body).toMatchObject({ retried: [], refused: [{ code: "not_a_dead_letter" }] });
    const put = { key, body: { ...body, reason: "mine" } };
    expect((await room.call("POST", "/jobs/dead-letters/discard", put)).body.discarded).toEqual([]);
    expect(await listed()).toEqual([id]);
  });
});

describe("the list", () => {
  it("is of the newest first, page by page, with what there is of each type and code in all", async () => {
    const ids = [await failed(), await failed({ code: "guard_lost" }), await failed()];
    const first = await list("?limit=2");
    expect(first).toMatchObject({
      total: 3,
      counts: [
        { type: "maintenance", code: "tile_damaged", count: 2 },
        { type: "maintenance", code: "guard_lost", count: 1 },
      ],
    });
    const second = await list(`?limit=2&cursor=${first.next_cursor}`);
    expect([...first.jobs, ...second.jobs].map(({ id }) => id)).toEqual(ids.toReversed());
    expect(second.next_cursor).toBeNull();
  });

  it("is filtered by type, code, project and time", async () => {
    const id = await failed({ code: "guard_lost" });
    await failed();
    const { project, project_id } = await createDraft(room);
    await sql(`update jobs set project_id = $2 where id = $1`, [id, project_id]);
    const since = encodeURIComponent(new Date().toISOString());
    expect(await listed("?code=guard_lost")).toEqual([id]);
    expect(await listed(`?project=${project}`)).toEqual([id]);
    expect(await listed("?project=nowhere")).toEqual([]);
    expect(await listed("?type=publish")).toEqual([]);
    expect(await listed("?type=maintenance")).toHaveLength(2);
    expect(await listed(`?since=${since}`)).toEqual([]);
  });

  it("is served by its index", async () => {
    const plan = await transaction(room.database, async (tx) => {
      // The table is too small for an index to pay.
      await query(tx, `set local enable_seqscan = off`);
      return query(
        tx,
        `explain select id from jobs j where tenant_id = $1 and status = 'failed' and discarded_at is null
         order by completed_at desc, id desc limit 50`,
        [room.tenant_id],
      );
    });
    expect(JSON.stringify(plan)).toContain("jobs_dead_index");
  });
});

describe("a retry by filter", () => {
  it("opens each in its next generation, starts it, and leaves others alone", async () => {
    const ids = [await failed(), await failed()];
    const other = await failed({ code: "guard_lost" });
    temporal.started = [];
    const { status, body } = await retry({ filter: { code: "tile_damaged" } });
    expect(status).toBe(200);
    expect(body).toEqual({
      retried: ids.map((id) => ({ job_id: readable(id), generation: 2, replayed: false })),
      refused: [],
      next_cursor: null,
    });
    expect(temporal.started.map(({ generation }) => generation)).toEqual([2, 2]);
    expect(await listed()).toEqual([other]);
  });

  it("asked again does nothing: what was retried is no dead letter any more", async () => {
    await failed();
    await retry({ filter: {} });
    expect((await retry({ filter: {} })).body).toMatchObject({ retried: [], refused: [] });
  });

  it("repeated under its key leaves a job alone that has failed again", async () => {
    const id = await failed();
    const key = { "Idempotency-Key": "again" };
    await retry({ filter: {} }, key);
    await fail(id, { code: "tile_damaged", generation: 2 });
    const { body } = await retry({ filter: {} }, key);
    expect(body.retried).toEqual([{ job_id: readable(id), generation: 2, replayed: true }]);
    expect(await listed()).toEqual([id]);
    expect((await retry({ filter: {} })).body.retried).toMatchObject([{ generation: 3 }]);
  });

  it("repeated under its key sees to the same jobs, and not to the next that are found", async () => {
    const ids = [await failed(), await failed(), await failed()];
    const key = { "Idempotency-Key": "one-page" };
    const first = await retry({ filter: {}, limit: 1 }, key);
    const again = await retry({ filter: {}, limit: 1 }, key);
    const told = { job_id: readable(ids[0]!), generation: 2 };
    expect(first.body.retried).toEqual([{ ...told, replayed: false }]);
    expect(again.body).toEqual({ ...first.body, retried: [{ ...told, replayed: true }] });
    expect(await listed()).toEqual([ids[2], ids[1]]);
    const other = await retry({ filter: {}, limit: 2 }, key);
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    const many = await Promise.all(
      Array.from({ length: 8 }, () => retry({ filter: {}, limit: 1 }, { "Idempotency-Key": "at-once" })),
    );
    expect(new Set(many.map(({ body }) => body.retried[0]?.job_id))).toEqual(new Set([readable(ids[1]!)]));
    expect(await listed()).toEqual([ids[2]]);
  });

  it("that has died in the middle is ended by its repeat: in the generations that it had chosen", async () => {
    const ids = [await failed(), await failed()];
    const key = { "Idempotency-Key": "in-the-middle" };
    await retry({ filter: {} }, key);
    // As if it had died before the second, which somebody else has retried since.
    await sql(`delete from idempotency_keys where job_id = $1`, [ids[1]]);
    await fail(ids[1]!, { code: "tile_damaged", generation: 2 });
    const { body } = await retry({ filter: {} }, key);
    expect(body).toMatchObject({ retried: [{ job_id: readable(ids[0]!), replayed: true }], refused: [{}] });
    expect((await room.call("GET", `/jobs/${ids[1]}`)).body.generation).toBe(2);
  });

  it("tells what it refuses and why, and retries the rest; with `force` that, too", async () => {
    const used = await failed({ generation: 4 });
    const late = await failed();
    await sql(`update jobs set deadline_at = now() - interval '1 minute' where id = $1`, [late]);
    const good = await failed();
    const { body } = await retry({ filter: {} });
    expect(body.retried.map(({ job_id }: { job_id: string }) => job_id)).toEqual([readable(good)]);
    expect(body.refused).toMatchObject([
      { job_id: readable(used), code: "retries_used_up", message: expect.stringContaining("3 times, and may be 3") },
      { job_id: readable(late), code: "deadline_over", message: expect.stringContaining("null for none") },
    ]);
    const again = await retry({ filter: {}, force: true, deadline: null });
    expect(again.body).toMatchObject({ retried: [{ generation: 5 }, { generation: 2 }], refused: [] });
  });

  it("sees to so many and says where to go on; what it refused does not hold up the next", async () => {
    await failed({ generation: 4 });
    const ids = [await failed(), await failed()];
    const first = await retry({ filter: {}, limit: 1 });
    expect(first.body).toMatchObject({ retried: [], refused: [{ code: "retries_used_up" }] });
    const second = await retry({ filter: {}, limit: 2, cursor: first.body.next_cursor });
    expect(second.body.retried.map(({ job_id }: { job_id: string }) => job_id)).toEqual(ids.map(readable));
    expect(second.body.next_cursor).toBeNull();
  });

  it("twenty times at once retries each job once", async () => {
    const ids = [await failed(), await failed()];
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry({ filter: {} })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers.flatMap(({ body }) => body.retried)).toHaveLength(2);
    for (const id of ids) expect((await room.call("GET", `/jobs/${id}`)).body.generation).toBe(2);
  });

  it("is for admins, and takes no filter that nobody knows", async () => {
    const body = { filter: {} };
    expect((await room.call("POST", "/jobs/dead-letters/retry", { body, key: room.keys.operator })).status).toBe(403);
    const wrong = await retry({ filter: { colour: "red" } });
    expect(wrong.body.errors).toMatchObject([{ path: "/filter/colour", code: "unknown_field" }]);
    expect((await retry({})).body.errors).toMatchObject([{ path: "/filter" }]);
    expect((await retry({ filter: { since: "0000-01-01T00:00:00Z" } })).body.errors).toMatchObject([
      { path: "/filter/since" },
    ]);
    expect((await retry({ filter: { ids: ["nobody"] } })).body.errors).toMatchObject([{ path: "/filter/ids/0" }]);
    expect((await retry({ filter: {}, deadline: "2020-01-01T00:00:00Z" })).body.errors).toMatchObject([
      { path: "/deadline", code: "not_in_future" },
    ]);
    expect((await retry({ filter: {}, cursor: "?" })).body.errors).toMatchObject([{ code: "invalid_cursor" }]);
  });
});

describe("discarding", () => {
  it("takes it from the list; who, when and why stay in the job and in its ledger, whose last event is final", async () => {
    const id = await failed();
    const { body } = await discard({ filter: { ids: [id] }, reason: "the project is closed" });
    expect(body).toEqual({ discarded: [readable(id)], refused: [], next_cursor: null });
    expect(await list()).toMatchObject({ jobs: [], total: 0 });
    const { body: job } = await room.call("GET", `/jobs/${id}`);
    const by = "admin of harbour";
    expect(job.discarded).toMatchObject({ at: expect.any(String), by, reason: "the project is closed" });
    expect(job).toMatchObject({ status: "failed", error_code: "tile_damaged" });
    const message = `Discarded by ${by}: the project is closed`;
    expect(job.logs.at(-1)).toMatchObject({ level: "warn", message });
    const events = await ledger(room, id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect(events.at(-1)).toMatchObject({ kind: "status", data: { status: "failed", discarded: true, message } });
  });

  it("asked again, or by two at once, does it once", async () => {
    const id = await failed();
    const answers = await Promise.all([1, 2].map(() => discard({ filter: {}, reason: "twice" })));
    expect(answers.flatMap(({ body }) => body.discarded)).toEqual([readable(id)]);
    const before = await ledger(room, id);
    expect((await discard({ filter: { ids: [id] }, reason: "again" })).body).toMatchObject({
      discarded: [],
      refused: [{ code: "not_a_dead_letter" }],
    });
    expect(await ledger(room, id)).toEqual(before);
  });

  it("can be undone by a retry, after which a failure is listed anew", async () => {
    const id = await failed();
    await discard({ filter: {}, reason: "a mistake" });
    expect((await room.call("POST", `/jobs/${id}/retry`, { body: {} })).status).toBe(202);
    expect((await room.call("GET", `/jobs/${id}`)).body.discarded).toBeNull();
    await fail(id, { code: "tile_damaged", generation: 2 });
    expect(await listed()).toEqual([id]);
  });

  it("leaves a job alone that was retried since it was found", async () => {
    const id = await failed();
    await retry({ filter: {} });
    expect((await discard({ filter: { ids: [id] }, reason: "late" })).body.discarded).toEqual([]);
    expect((await room.call("GET", `/jobs/${id}`)).body).toMatchObject({ status: "queued", discarded: null });
  });

  it("needs a reason, and an admin", async () => {
    expect((await discard({ filter: {} })).body.errors).toMatchObject([{ path: "/reason" }]);
    const asked = { body: { filter: {}, reason: "x" }, key: room.keys.operator };
    expect((await room.call("POST", "/jobs/dead-letters/discard", asked)).status).toBe(403);
  });
});

describe("a retry of one job", () => {
  it("beyond its limit is refused, and foretold; an admin forces it", async () => {
    const id = await failed({ generation: 4 });
    const { body: foretold } = await room.call("GET", `/jobs/${id}/retry-preview`);
    expect(foretold).toMatchObject({ allowed: false, refused: { code: "retries_used_up" } });
    const refused = await room.call("POST", `/jobs/${id}/retry`, { body: {} });
    expect(refused).toMatchObject({ status: 409, body: { code: "retries_used_up", facts: { max_retries: 3 } } });
    expect(refused.body.detail).toContain("`force`: true");
    expect((await room.call("POST", `/jobs/${id}/retry`, { body: { force: true } })).body.generation).toBe(5);
  });

  it("is foretold in words and numbers of its own type", async () => {
    const id = await failed();
    expect((await room.call("GET", `/jobs/${id}/retry-preview`)).body).toMatchObject({
      ...{ allowed: true, refused: null, from: "sweep", generation: 2, revision: null, touches: null },
      steps: [{ name: "sweep", action: "run", why: "It failed here." }],
      ...{ reuse: { steps: 0 }, run_again: { steps: 1 } },
    });
  });
});

describe("in the audit trail", () => {
  const audit = async (search: string): Promise<Answer["body"][]> =>
    (await room.call("GET", `/audit?limit=100&${search}`)).body.events;

  it.each([
    ["retry", {}],
    ["discard", { reason: "the project is closed" }],
  ])(
    "a %s by filter is found by each of its jobs, with the request's id, and tells by which filter",
    async (verb, more) => {
      const ids = [await failed({ code: "guard_lost" }), await failed({ code: "guard_lost" })];
      const other = await failed();
      const request_id = `many-at-once-${verb}`;
      const body = { filter: { code: "guard_lost" }, ...more };
      const { status } = await room.call("POST", `/jobs/dead-letters/${verb}`, {
        ...{ body, headers: { "X-Request-Id": request_id, "User-Agent": "a test" } },
      });
      expect(status).toBe(200);
      const details = { code: "guard_lost", limit: 200, ...more };
      for (const id of ids) {
        const [event, ...rest] = await audit(`job=${id}&action=job.${verb}`);
        expect(rest).toEqual([]);
        expect(event).toMatchObject({
          ...{ source: "api", action: `job.${verb}`, outcome: "succeeded", job_id: readable(id), request_id, details },
          ...{
            principal: { name: "admin of harbour", role: "admin" },
            resource: { type: "job", id },
            user_agent: "a test",
          },
        });
      }
      expect(await audit(`job=${other}&action=job.${verb}`)).toEqual([]);
      const [whole] = await audit(`action=dead-letter.${verb}`);
      expect(whole).toMatchObject({ request_id, outcome: "succeeded", status: 200, details });
      // Asked again it finds none of them, and says so.
      await room.call("POST", `/jobs/dead-letters/${verb}`, { body });
      expect(await audit(`job=${ids[0]}&action=job.${verb}`)).toHaveLength(1);
    },
  );

  it("what is refused, and what was retried before under the same key, is not there as done", async () => {
    const used = await failed({ generation: 4 });
    const good = await failed();
    const key = { "Idempotency-Key": "audited-once" };
    for (let count = 0; count < 2; count += 1) await retry({ filter: {} }, key);
    expect(await audit(`job=${used}&action=job.retry`)).toEqual([]);
    expect(await audit(`job=${good}&action=job.retry`)).toHaveLength(1);
  });

  it("a job is neither retried nor put away when that cannot be written", async () => {
    const id = await failed();
    await sql(
      `alter table audit_events add constraint refuse_some check (action not in ('job.retry', 'job.discard')) not valid`,
    );
    expect((await retry({ filter: {} })).status).toBe(500);
    expect((await discard({ filter: {}, reason: "closed" })).status).toBe(500);
    await sql(`alter table audit_events drop constraint refuse_some`);
    expect(await listed()).toEqual([id]);
    expect((await room.call("GET", `/jobs/${id}`)).body).toMatchObject({ status: "failed", discarded: null });
  });
});
