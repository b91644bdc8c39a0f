/** Schedules from end to end: the gateway, a worker, Temporal's own schedules, and the jobs that come of them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { applyUntold } from "../../src/jobs/schedules/apply-schedule.ts";
import { insertSchedule, markDeleted } from "../../src/jobs/schedules/schedule-store.ts";
import { startRun } from "../../src/jobs/schedules/start-run.ts";
import { v7 as uuidv7 } from "uuid";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { createCommitGates, type CommitGates } from "../support/commit-gate.ts";
import { createDraft, until } from "../support/publishing.ts";
import { NEVER, scheduleCalls } from "./schedule-calls.ts";
import { startWorkerProcess, type WorkerProcess } from "../support/worker-process.ts";

let room: GatewayRoom;
let gates: CommitGates;
let worker: WorkerProcess;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: "real", settings: { PLATEN_RECONCILE_MS: "300" } });
  gates = await createCommitGates(room.databaseUrl);
  // Two slots, as the queue of clean-ups has.
  worker = await startWorkerProcess(room, { settings: { PLATEN_WORKER_CONCURRENCY: "maintenance=2" } });
});
afterAll(async () => {
  await worker?.kill();
  await gates?.end();
  await room?.close();
});

const { make, look, press, runs, clear } = scheduleCalls(() => room);
afterEach(clear);
const db = () => room.database.em.fork();
const temporalSchedule = (id: string) => room.temporal.client.schedule.getHandle(`schedule-${id}`);

describe("a schedule", { timeout: 60_000 }, () => {
  it("starts an ordinary job each time, which the records of its runs lead to", async () => {
    const { id, body } = await make({ spec: { every_seconds: 2 }, title: "Sweep the harbour", priority: 4 });
    expect(body.next).toHaveLength(5);
    const [first] = await runs(id, (found) => found.filter(({ status }) => status === "completed").length >= 2);
    expect(first.links.job).toBe(
      `http://platen.test/jobs/${(await room.call("GET", `/jobs/${first.job_id}`)).body.id}`,
    );
    const job = (await room.call("GET", `/jobs/${first.job_id}`)).body;
    expect(job).toMatchObject({ type: "maintenance", payload: { dry_run: true } });
    const moments = (await look(id)).runs.map(({ scheduled_at }: { scheduled_at: string }) => Date.parse(scheduled_at));
    for (const moment of moments) expect(moment % 2_000).toBe(0);
    expect(new Set(moments).size).toBe(moments.length);
  });

  it("that is paused starts nothing but what is run by hand, and goes on when it is unpaused", async () => {
    const { id } = await make({ spec: { every_seconds: 1 }, paused: true, note: "not yet" });
    expect(await look(id)).toMatchObject({ paused: true, note: "not yet", runs: [] });
    expect((await press(id, "trigger")).status).toBe(202);
    const [only] = await runs(id, (found) => found[0]?.status === "completed");
    expect((await look(id)).runs).toEqual([only]);
    expect((await press(id, "unpause")).body).toMatchObject({ paused: false, note: "Unpaused by admin of harbour" });
    await runs(id, (found) => found.length >= 2);
    expect((await press(id, "pause")).body).toMatchObject({ paused: true });
  });

  it("starts its job though every slot of the job's queue is taken by long work", async () => {
    const gate = await gates.close({ job_id: null, kind: "step", data: { step: "sweep", status: "running" } });
    const body = { type: "maintenance", payload: { dry_run: true } };
    for (const key of [room.keys.admin, room.keys.foreign]) await room.call("POST", "/jobs", { key, body });
    await until("both slots to be taken", async () => (await gate.ports()).length === 2);
    const { id } = await make({ spec: NEVER });
    await press(id, "trigger");
    const [run] = await runs(id, ([first]) => first?.job_id);
    expect(run.status).toBe("queued");
    await gate.open();
    await runs(id, ([first]) => first?.status === "completed");
  });

  it("is changed as a whole, and stays paused", async () => {
    const { id, body } = await make({ spec: NEVER, paused: true });
    const change = {
      name: body.name,
      type: "maintenance",
      spec: { every_seconds: 3_600, offset_seconds: 60 },
      overlap: "allow_all",
    };
    const changed = await room.call("PUT", `/schedules/${id}`, { body: change });
    expect(changed.body).toMatchObject({
      paused: true,
      overlap: "allow_all",
      spec: change.spec,
      payload: { dry_run: false },
    });
    for (const next of changed.body.next) expect(Date.parse(next) % 3_600_000).toBe(60_000);
    const { policies } = await temporalSchedule(id).describe();
    expect(policies).toMatchObject({ overlap: "ALLOW_ALL", catchupWindow: 3_600_000 });
  });

  it("that is deleted starts nothing more, here and in Temporal", async () => {
    const { id } = await make({ spec: NEVER });
    expect((await room.call("DELETE", `/schedules/${id}`)).status).toBe(204);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/trigger"],
    ] as const)
      expect(
        (await room.call(method, `/schedules/${id}${path}`, method === "POST" ? { body: {} } : {})).body,
      ).toMatchObject({ code: "schedule_not_found" });
    await expect(temporalSchedule(id).describe()).rejects.toThrow("not found");
    expect(await query(db(), `select 1 from schedules where id = $1`, [id])).toEqual([]);
  });
});

describe("a run that is due while the last job works", { timeout: 90_000 }, () => {
  const open = async () =>
    query<{ id: string }>(db(), `select id from jobs where status in ('queued', 'running') order by created_at`);
  /** Its first job stands in its work. */
  async function standing(overlap: string) {
    const { id } = await make({ spec: NEVER, overlap });
    const gate = await gates.close({ job_id: null, kind: "step", data: { step: "sweep", status: "running" } });
    await press(id, "trigger");
    await gate.reached();
    return { id, gate };
  }

  it("is left out, with skip", async () => {
    const { id, gate } = await standing("skip");
    await press(id, "trigger");
    await until("Temporal to leave it out", async () => {
      const { info } = await temporalSchedule(id).describe();
      return Number(info.numActionsSkippedOverlap) === 1;
    });
    expect(await open()).toHaveLength(1);
    await gate.open();
    await runs(id, (found) => found.length === 1 && found[0].status === "completed");
    // The run has ended with its job: the next is not left out.
    await until("the run to end", async () => (await temporalSchedule(id).describe()).info.runningActions.length === 0);
    await press(id, "trigger");
    await runs(id, (found) => found.length === 2);
  });

  it.each(["cancel_other", "terminate_other"])(
    "begins once that one is cancelled through the protocol, with %s",
    async (overlap) => {
      // Somebody else's job has the permit, so that the schedule's first is open for as long as it has to be.
      const gate = await gates.close({ job_id: null, kind: "step", data: { step: "sweep", status: "running" } });
      await room.call("POST", "/jobs", { body: { type: "maintenance", payload: { dry_run: true } } });
      await gate.reached();
      const { id } = await make({ spec: NEVER, overlap });
      await press(id, "trigger");
      await runs(id, ([first]) => first?.status === "queued");
      await press(id, "trigger");
      const [, first] = await runs(id, ([, before]) => before?.status === "cancelled");
      const job = (await room.call("GET", `/jobs/${first.job_id}`)).body;
      expect(job.cancellation).toMatchObject({
        requested_by: "admin of harbour",
        reason: expect.stringContaining("the next run of the schedule"),
      });
      await gate.open();
      await runs(id, ([second]) => second?.status === "completed");
    },
  );
});

describe("a run of a schedule that is cancelled in Temporal", { timeout: 60_000 }, () => {
  it.each<[who: string, identity: string, reason: string, told: object]>([
    ["by somebody with a name", "ada@office", "wrong week", { requested_by: "ada@office", reason: "wrong week" }],
    [
      "by nobody who is known",
      "",
      "",
      {
        requested_by: "somebody in Temporal",
        reason: expect.stringMatching(/^its run of the schedule .* was cancelled in Temporal$/),
      },
    ],
  ])("%s: its job's receipt says who, and why", async (_, identity, reason, told) => {
    // Somebody else's job has the permit.
    const gate = await gates.close({ job_id: null, kind: "step", data: { step: "sweep", status: "running" } });
    await room.call("POST", "/jobs", { body: { type: "maintenance", payload: { dry_run: true } } });
    await gate.reached();
    try {
      const { id } = await make({ spec: NEVER });
      await press(id, "trigger");
      await runs(id, ([first]) => first?.status === "queued");
      const [running] = (await room.executions.schedules.describe(id))?.running ?? [];
      await room.temporal.client.workflowService.requestCancelWorkflowExecution({
        ...{ namespace: room.temporal.namespace, workflowExecution: { workflowId: running ?? "" } },
        ...{ identity, reason, requestId: uuidv7() },
      });
      const [only] = await runs(id, ([first]) => first?.status === "cancelled");
      const job = (await room.call("GET", `/jobs/${only.job_id}`)).body;
      expect(job.cancellation).toMatchObject({ ...told, outcome: "cancelled" });
    } finally {
      await gate.open();
    }
  });
});

describe("whoever dies between two writes", { timeout: 60_000 }, () => {
  const row = (id: string) => ({
    ...{
      id,
      tenant_id: room.tenant_id,
      name: `healed ${id}`,
      job_type: "maintenance" as const,
      payload: {},
      title: null,
      priority: 3,
    },
    ...{
      spec: NEVER,
      overlap: "skip" as const,
      catchup_window_seconds: 60,
      paused: false,
      note: null,
      created_by: room.principal.id,
      role: "admin" as const,
    },
  });

  it("of a new schedule: Temporal is told by the reconciler, and of its deletion too", async () => {
    const id = uuidv7();
    await insertSchedule(db(), row(id));
    expect(await room.executions.schedules.describe(id)).toBeNull();
    await applyUntold(room.deps, 0);
    expect((await room.executions.schedules.describe(id))?.next).toHaveLength(5);
    await markDeleted(db(), { id, tenant_id: room.tenant_id });
    await applyUntold(room.deps, 0);
    expect(await room.executions.schedules.describe(id)).toBeNull();
    expect(await query(db(), `select 1 from schedules where id = $1`, [id])).toEqual([]);
  });

  it("of a run: it is one job, however often it is tried, also when the schedule has changed meanwhile", async () => {
    const { id } = await make({ spec: NEVER });
    const run = {
      schedule_id: id,
      run_key: `scheduled-${id}-now/run`,
      scheduled_at: new Date().toISOString(),
      revision: 1,
    };
    const [first, ...others] = await Promise.all([
      startRun(room.deps, run),
      startRun(room.deps, run),
      startRun(room.deps, run),
    ]);
    expect(others).toEqual([first, first]);
    await query(db(), `delete from schedule_runs where run_key = $1`, [run.run_key]);
    await query(db(), `update schedules set payload = '{"dry_run": false}', revision = 2 where id = $1`, [id]);
    expect(await startRun(room.deps, run)).toBe(first);
  });

  it("an older telling that lands late is found out by the run that comes of it", async () => {
    const { id } = await make({ spec: NEVER });
    await query(db(), `update schedules set revision = 2, applied_revision = 2 where id = $1`, [id]);
    await press(id, "trigger");
    await runs(id, (found) => found.length === 1);
    const [now] = await query(db(), `select applied_revision from schedules where id = $1`, [id]);
    expect(now).toEqual({ applied_revision: 0 });
  });
});

it("a run whose project is gone fails where people look, and in Temporal", { timeout: 60_000 }, async () => {
  const { project } = await createDraft(room);
  const { id } = await make({
    type: "publish",
    payload: { project, version: 1, target_environment: "dev" },
    spec: NEVER,
  });
  expect((await room.call("DELETE", `/projects/${project}`)).status).toBe(204);
  await press(id, "trigger");
  const [run] = await runs(id, (found) => found.length === 1);
  expect(run).toMatchObject({ job_id: null, error_code: "project_not_found" });
  const { info } = await temporalSchedule(id).describe();
  const { workflowId } = info.recentActions.at(-1)?.action.workflow ?? { workflowId: "" };
  await expect(room.temporal.client.workflow.getHandle(workflowId).result()).rejects.toMatchObject({
    cause: { cause: { type: "project_not_found" } },
  });
});

it("another tenant sees none of it", async () => {
  const { id, body } = await make({ spec: NEVER });
  const foreign = (method: string, path: string, sent?: object) =>
    room.call(method, `/schedules${path}`, { key: room.keys.foreign, ...(sent ? { body: sent } : {}) });
  expect((await foreign("GET", "")).body).toEqual({ schedules: [], next: null });
  const change = { name: "mine", type: "maintenance", spec: NEVER };
  for (const [method, path, sent] of [
    ["GET", ""],
    ["PUT", "", change],
    ["DELETE", ""],
    ["POST", "/pause", {}],
    ["POST", "/unpause", {}],
    ["POST", "/trigger", {}],
  ] as const) {
    const answer = await foreign(method, `/${id}${path}`, sent);
    expect([answer.status, answer.body.code]).toEqual([404, "schedule_not_found"]);
  }
  const same = await foreign("POST", "", { ...change, name: body.name });
  expect(same.status).toBe(201);
  await foreign("DELETE", `/${same.body.id}`);
  expect((await room.call("GET", "/schedules")).body.schedules.map((each: { id: string }) => each.id)).toEqual([id]);
});

describe("times", () => {
  /** The last Sunday of the month: when Europe's clocks change. */
  function lastSunday(year: number, month: number): number {
    const last = new Date(Date.UTC(year, month, 0));
    return last.getUTCDate() - last.getUTCDay();
  }
  const year = ((now) => (now.getUTCMonth() > 1 ? now.getUTCFullYear() + 1 : now.getUTCFullYear()))(new Date());

  it("02:30 on the night that has none is left out", async () => {
    const day = lastSunday(year, 3);
    const { body } = await make({ spec: { cron: `30 2 ${day - 1}-${day + 1} 3 *`, time_zone: "Europe/Berlin" } });
    expect(body.next.slice(0, 2)).toEqual([
      `${year}-03-${day - 1}T01:30:00.000Z`,
      `${year}-03-${day + 1}T00:30:00.000Z`,
    ]);
  });

  it("09:00 stays 09:00 where the clocks change", async () => {
    const day = lastSunday(year, 3);
    const { body } = await make({ spec: { cron: `0 9 ${day - 1}-${day + 1} 3 *`, time_zone: "Europe/Berlin" } });
    expect(body.next.slice(0, 3)).toEqual([
      `${year}-03-${day - 1}T08:00:00.000Z`,
      `${year}-03-${day}T07:00:00.000Z`,
      `${year}-03-${day + 1}T07:00:00.000Z`,
    ]);
  });

  it.each(["*/15 9-17 * * mon-fri", "0 0 29 2 *", "5,35 */2 1,15 jan,jul *", "0 12 * * 0"])(
    "Temporal takes %s",
    async (cron) => {
      const { body } = await make({ spec: { cron } });
      expect(body.next).toHaveLength(5);
    },
  );
});

describe("what is wrong is refused with its place and value, and nothing is made", () => {
  const good = { name: "wrong", type: "maintenance", spec: NEVER };
  it.each([
    ["four fields", { spec: { cron: "0 0 1 *" } }, "/spec/cron", "0 0 1 *"],
    ["no field", { spec: { cron: " " } }, "/spec/cron", " "],
    ["a minute of 60", { spec: { cron: "60 * * * *" } }, "/spec/cron", "60 * * * *"],
    ["a month by a name that is none", { spec: { cron: "0 0 1 foo *" } }, "/spec/cron", "0 0 1 foo *"],
    ["a step of 0", { spec: { cron: "*/0 * * * *" } }, "/spec/cron", "*/0 * * * *"],
    ["a range that goes backwards", { spec: { cron: "0 5-2 * * *" } }, "/spec/cron", "0 5-2 * * *"],
    ["a day that never comes", { spec: { cron: "0 0 30 2 *" } }, "/spec/cron", "0 0 30 2 *"],
    ["NUL", { spec: { cron: "0 0 * * *\u0000" } }, "", undefined],
    ["a zone that is none", { spec: { cron: "0 0 * * *", time_zone: "Mars/Base" } }, "/spec/time_zone", "Mars/Base"],
    ["an abbreviation for a zone", { spec: { cron: "0 0 * * *", time_zone: "+02:00" } }, "/spec/time_zone", "+02:00"],
    ["both at once", { spec: { cron: "0 0 * * *", every_seconds: 60 } }, "/spec/every_seconds", 60],
    ["neither", { spec: {} }, "/spec/every_seconds", undefined],
    ["an interval of 0", { spec: { every_seconds: 0 } }, "/spec/every_seconds", 0],
    ["an interval of 1e308", { spec: { every_seconds: 1e308 } }, "/spec/every_seconds", 1e308],
    [
      "an offset as long as the interval",
      { spec: { every_seconds: 60, offset_seconds: 60 } },
      "/spec/offset_seconds",
      60,
    ],
    ["an overlap that is none", { overlap: "maybe" }, "/overlap", "maybe"],
    ["a priority of 6", { priority: 6 }, "/priority", 6],
    ["no name", { name: "  " }, "/name", "  "],
    ["a payload that its type does not take", { payload: { dry_run: "yes" } }, "/payload/dry_run", "yes"],
    ["a window shorter than Temporal's", { catchup_window_seconds: 1 }, "/catchup_window_seconds", 1],
  ])("%s", async (_, more, path, value) => {
    const answer = await room.call("POST", "/schedules", { body: { ...good, ...more } });
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 400, code: "invalid_request" });
    expect(answer.body.errors[0]).toMatchObject({ path, ...(value === undefined ? {} : { value }) });
    expect((await room.call("GET", "/schedules")).body.schedules).toEqual([]);
  });

  it.each([
    ["a type that is none", { type: "nonsense" }, 400, "job_type_unknown"],
    ["a project that is none", { type: "publish", payload: { project: "none", version: 1 } }, 404, "project_not_found"],
  ])("%s", async (_, more, status, code) => {
    const answer = await room.call("POST", "/schedules", { body: { ...good, ...more } });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it("a name that is taken", async () => {
    const { body } = await make({ spec: NEVER });
    const answer = await room.call("POST", "/schedules", { body: { ...good, name: body.name } });
    expect([answer.status, answer.body.code]).toEqual([409, "schedule_exists"]);
  });

  it("rights that the type asks for", async () => {
    const answer = await room.call("POST", "/schedules", { body: good, key: room.keys.operator });
    expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
  });
});
