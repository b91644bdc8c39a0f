/** Who may do what to a schedule, as whom its runs act, and what is left of one that is gone. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Role } from "../../src/tenants/principal.ts";
import { createApiKey, ensurePrincipal, revokeApiKeys } from "../../src/tenants/tenant-store.ts";
import { scheduleMaintenance } from "../../src/jobs/schedules/nightly-maintenance.ts";
import { startRun } from "../../src/jobs/schedules/start-run.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { until } from "../support/publishing.ts";
import { createCommitGates, type CommitGates } from "../support/commit-gate.ts";
import { startWorkerProcess, type WorkerProcess } from "../support/worker-process.ts";
import { NEVER, scheduleCalls } from "./schedule-calls.ts";

let room: GatewayRoom;
let gates: CommitGates;
let worker: WorkerProcess;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: "real", settings: { PLATEN_RECONCILE_MS: "300" } });
  gates = await createCommitGates(room.databaseUrl);
  worker = await startWorkerProcess(room);
});
afterAll(async () => {
  await worker?.kill();
  await gates?.end();
  await room?.close();
});
const { make, look, press, runs, clear } = scheduleCalls(() => room);
afterEach(clear);

describe("what may be done to a schedule, and what its runs may do", { timeout: 60_000 }, () => {
  const member = (type: string, payload: object) => ({ members: [{ key: "a", type, payload }] });
  const asOperator = (method: string, path: string, body?: object) =>
    room.call(method, `/schedules/${path}`, { key: room.keys.operator, ...(body ? { body } : {}) });

  it.each([
    ["a job of an admin's type", { type: "maintenance", payload: { dry_run: true } }],
    ["a group with a member of one", { type: "group", payload: member("maintenance", { dry_run: true }) }],
  ])("who may not start %s neither runs, pauses, changes nor deletes its schedule", async (_, what) => {
    const { id } = await make({ ...what, spec: NEVER });
    const before = await look(id);
    const change = {
      name: "mine",
      type: "document_generation",
      payload: { format: "pdf", title: "List", code: "1" },
      spec: NEVER,
    };
    for (const [method, path, body] of [
      ["POST", "/trigger", {}],
      ["POST", "/pause", {}],
      ["POST", "/unpause", {}],
      ["PUT", "", change],
      ["DELETE", "", undefined],
    ] as const) {
      const answer = await asOperator(method, `${id}${path}`, body);
      expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 403, "forbidden"]);
    }
    expect(await look(id)).toEqual(before);
  });

  it("a group is refused at once where one of its members would be at each run", async () => {
    const body = { name: "refused", type: "group", spec: NEVER, payload: member("maintenance", {}) };
    const refused = await room.call("POST", "/schedules", { body, key: room.keys.operator });
    expect([refused.status, refused.body.code]).toEqual([403, "forbidden"]);
    const payload = member("publish", { project: "atlantis", version: 1 });
    const wrong = await room.call("POST", "/schedules", { body: { ...body, payload } });
    expect(wrong.body.errors).toMatchObject([{ path: "/payload/members/0/payload/project" }]);
  });

  it("a group's run may what its maker may, and the trail tells of its job", async () => {
    const { id, body } = await make({ type: "group", payload: member("maintenance", { dry_run: true }), spec: NEVER });
    await press(id, "trigger");
    const [run] = await runs(id, ([first]) => first !== undefined);
    expect(run).toMatchObject({ job_id: expect.any(String), error_code: null });
    const { events } = (await room.call("GET", `/audit?job=${run.job_id}`)).body;
    expect(events).toMatchObject([
      {
        ...{ source: "schedule", action: "job.create", outcome: "succeeded", job_id: run.job_id },
        ...{ principal: { name: "admin of harbour", role: "admin" } },
        details: { schedule: body.name, schedule_id: id, type: "group" },
      },
    ]);
    await runs(id, ([first]) => first?.status === "completed");
  });

  it("whoever has changed it is who its runs act as, also for a run that was begun before", async () => {
    const what = {
      type: "document_generation",
      payload: { format: "pdf", title: "List", code: "1" },
      spec: NEVER,
      overlap: "skip",
    };
    const { id, body } = await make(what);
    expect(body.created_by).toBe("admin of harbour");
    const run = {
      schedule_id: id,
      run_key: `scheduled-${id}-by/run`,
      scheduled_at: new Date().toISOString(),
      revision: 1,
    };
    const first = await startRun(room.deps, run);
    const changed = await asOperator("PUT", id, { ...what, name: body.name });
    expect([changed.status, changed.body.created_by]).toEqual([200, "operator of harbour"]);
    expect(await startRun(room.deps, run)).toBe(first);
    const next = await startRun(room.deps, { ...run, run_key: `scheduled-${id}-next/run`, revision: 2 });
    expect((await room.call("GET", `/audit?job=${next}`)).body.events[0].principal).toMatchObject({ role: "operator" });
  });
});

describe("rights that were taken away since the schedule was made", { timeout: 60_000 }, () => {
  const DOCUMENT = { type: "document_generation", payload: { format: "pdf", title: "List", code: "1" }, spec: NEVER };
  const db = () => room.database.em.fork();
  let number = 0;

  /** Somebody with a key of each role. */
  async function somebody(
    ...roles: Role[]
  ): Promise<{ name: string; keys: string[]; revoke(at: number): Promise<unknown> }> {
    const name = `leaver ${(number += 1)}`;
    const { tenant_id } = room;
    const { id: principal_id } = await ensurePrincipal(db(), { tenant_id, name });
    const made: { id: string; key: string }[] = [];
    for (const role of roles) made.push(await createApiKey(db(), { tenant_id, principal_id, role }));
    const revoke = (at: number): Promise<unknown> => revokeApiKeys(db(), { tenant_id, id: made[at]!.id });
    return { name, keys: made.map(({ key }) => key), revoke };
  }

  async function scheduleOf(key: string, what: object): Promise<string> {
    const body = { name: `of a leaver ${(number += 1)}`, ...what };
    const answer = await room.call("POST", "/schedules", { body, key });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body.id;
  }

  /** Temporal knows that no run is open: the next is not left out. */
  const ended = (id: string): Promise<unknown> =>
    until("the run to end", async () => {
      const { info } = await room.temporal.client.schedule.getHandle(`schedule-${id}`).describe();
      return info.runningActions.length === 0;
    });

  it("with the last key: its runs fail as forbidden, where people look and in Temporal, and start nothing", async () => {
    const { name, keys, revoke } = await somebody("admin");
    const what = { type: "maintenance", payload: { dry_run: true }, spec: NEVER };
    const id = await scheduleOf(keys[0]!, what);
    await press(id, "trigger");
    await runs(id, ([run]) => run?.status === "completed");
    await revoke(0);
    await ended(id);
    await press(id, "trigger");
    const [run] = await runs(id, (found) => found.length === 2);
    expect(run).toMatchObject({ job_id: null, error_code: "forbidden" });
    expect(run.error).toContain(`no other key of ${name} works`);
    // Whoever changes it lets it go on.
    const change = { body: { ...what, name: "taken over" } };
    expect((await room.call("PUT", `/schedules/${id}`, change)).status).toBe(200);
    await ended(id);
    await press(id, "trigger");
    await runs(id, (found) => found.length === 3 && found[0].status === "completed");
  });

  it("but for a lower key: it goes on with what that may, and no more", async () => {
    const { keys, revoke } = await somebody("admin", "operator");
    const payload = { members: [{ key: "a", type: "maintenance", payload: { dry_run: true } }] };
    const [tidy, group, list] = [
      await scheduleOf(keys[0]!, { type: "maintenance", payload: { dry_run: true }, spec: NEVER }),
      await scheduleOf(keys[0]!, { type: "group", payload, spec: NEVER }),
      await scheduleOf(keys[0]!, DOCUMENT),
    ];
    await revoke(0);
    const due = (id: string) =>
      startRun(room.deps, {
        ...{ schedule_id: id, run_key: `scheduled-${id}-demoted/run`, revision: 1 },
        scheduled_at: new Date().toISOString(),
      });
    for (const id of [tidy, group]) await expect(due(id)).rejects.toMatchObject({ code: "forbidden" });
    const job = await due(list);
    expect((await room.call("GET", `/audit?job=${job}`)).body.events[0].principal).toMatchObject({ role: "operator" });
    for (const id of [tidy, group]) expect((await look(id)).runs[0]).toMatchObject({ error_code: "forbidden" });
  });

  it("for a new key of the same person: nothing changes", async () => {
    const { keys, revoke } = await somebody("operator", "admin");
    const id = await scheduleOf(keys[0]!, DOCUMENT);
    await revoke(0);
    await press(id, "trigger");
    const [run] = await runs(id, ([first]) => first !== undefined);
    expect(run).toMatchObject({ job_id: expect.any(String), error_code: null });
    expect((await room.call("GET", `/audit?job=${run.job_id}`)).body.events[0].principal.role).toBe("operator");
  });

  it("stop no job either, with terminate_other", async () => {
    const { keys, revoke } = await somebody("operator");
    const id = await scheduleOf(keys[0]!, { ...DOCUMENT, overlap: "terminate_other" });
    const due = (key: string) =>
      startRun(room.deps, {
        ...{ schedule_id: id, run_key: `scheduled-${id}-${key}/run`, revision: 1 },
        scheduled_at: new Date().toISOString(),
      });
    const gate = await gates.close({ job_id: null, kind: "step", data: { status: "running" } });
    const job = await due("first");
    await gate.reached();
    await revoke(0);
    await expect(due("second")).rejects.toMatchObject({ code: "forbidden" });
    expect((await room.call("GET", `/jobs/${job}`)).body).toMatchObject({ cancellation: null });
    await gate.open();
  });
});

it("the schedule that a tenant begins with does its work as Platen itself", { timeout: 60_000 }, async () => {
  await scheduleMaintenance(room.database.em.fork(), room.tenant_id);
  const found = (await room.call("GET", "/schedules")).body.schedules as { id: string; name: string }[];
  const [{ id } = { id: "" }] = found.filter(({ name }) => name === "nightly maintenance");
  expect(await look(id)).toMatchObject({ type: "maintenance", created_by: "platen", payload: { dry_run: false } });
  await press(id, "trigger");
  const [run] = await runs(id, ([first]) => first?.status === "completed");
  const { events } = (await room.call("GET", `/audit?job=${run.job_id}`)).body;
  expect(events[0]).toMatchObject({ source: "schedule", principal: { name: "platen", role: "admin" } });
  const next: string[] = (await look(id)).next;
  expect(next.map((moment) => new Date(moment).getUTCHours()).every((hour) => hour >= 1 && hour <= 4)).toBe(true);
  expect((await room.call("DELETE", `/schedules/${id}`)).status).toBe(204);
});

it("a telling that lands after the schedule's deletion is taken back by the first run that comes of it", async () => {
  const { id } = await make({ spec: NEVER });
  expect((await room.call("DELETE", `/schedules/${id}`)).status).toBe(204);
  await room.executions.schedules.put({
    ...{ id, input: { schedule_id: id, tenant: "harbour", revision: 1 }, spec: NEVER, overlap: "skip" },
    ...{ catchup_window_seconds: 60, first: { paused: false, note: null } },
  });
  const run = {
    schedule_id: id,
    run_key: `scheduled-${id}-late/run`,
    scheduled_at: new Date().toISOString(),
    revision: 1,
  };
  await expect(startRun(room.deps, run)).rejects.toMatchObject({ code: "schedule_not_found" });
  expect(await room.executions.schedules.describe(id)).toBeNull();
});
