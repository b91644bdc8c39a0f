/** Statistics over HTTP and in the terminal, of jobs that real workers have run; test/jobs/statistics says what is counted. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowId } from "../../contract/workflow-id.ts";
import { query } from "../../src/db.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { runPlaten } from "../cli/run-platen.ts";
import { createDraft, until } from "../support/publishing.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

/** Refused by the first step, and not by the request: a ref is there twice. */
const TWICE = { overlays: [{ ref: "a" }, { ref: "a" }] };

let room: GatewayRoom;
let worker: RunningWorker;
let ended: { completed: string; failed: string; retried: string };

beforeAll(async () => {
  room = await startGatewayRoom({ executions: "real" });
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
  ended = {
    completed: await publish((await createDraft(room)).project, "completed"),
    failed: await publish((await createDraft(room, TWICE)).project, "failed"),
    retried: await publish((await createDraft(room, TWICE)).project, "failed"),
  };
  // A retry starts once the run before it has closed, a moment after its row has ended; in this room no reconciler sees to that.
  const run = workflowId("publish", ended.retried);
  await until("its workflow to close", async () => (await room.deps.executions.describe(run))?.open === false);
  await room.call("POST", `/jobs/${ended.retried}/retry`, { body: {} });
  await untilEnded(ended.retried, "failed", 2);
  await worker.stop();
  const draft = await createDraft(room);
  await room.call("POST", `/projects/${draft.project}/versions/1/publish`, { body: {} });
});
afterAll(() => room?.close());

async function publish(project: string, status: string): Promise<string> {
  const { body } = await room.call("POST", `/projects/${project}/versions/1/publish`, { body: {} });
  if (!body.id) throw new Error(JSON.stringify(body));
  await untilEnded(body.id, status, 1);
  return body.id;
}

const untilEnded = (id: string, status: string, generation: number) =>
  until(`job ${id} is ${status}`, async () => {
    const { body } = await room.call("GET", `/jobs/${id}/status`);
    return body.status === status && body.generation === generation;
  });

const stats = async (search = "", key = room.keys.viewer) =>
  (await room.call("GET", `/jobs/stats${search}`, { key })).body;

describe("GET /jobs/stats", () => {
  it("tells how many ended as what, why, and what waits, at once", async () => {
    const { all, types, series, pending } = await stats();
    expect(pending).toBe(false);
    expect(all).toMatchObject({
      ...{ type: null, ended: 4, failure_codes: [{ code: "version_invalid", count: 3 }] },
      queue: {
        queued: 1,
        running: 0,
        oldest_waiting_at: expect.any(String),
        oldest_waiting_seconds: expect.any(Number),
      },
    });
    const states = all.states.map(({ status, count }: { status: string; count: number }) => [status, count]);
    expect(states).toEqual([
      ["completed", 1],
      ["failed", 3],
    ]);
    expect(types.map((each: { type: string }) => each.type)).toEqual(["publish"]);
    expect(series.reduce((sum: number, each: { ended: number }) => sum + each.ended, 0)).toBe(4);
  });

  it("tells times that are those of the jobs themselves, within the bound that it states", async () => {
    const { all, error_bound } = await stats();
    const { body: job } = await room.call("GET", `/jobs/${ended.completed}`);
    const ran = Date.parse(job.completed_at) - Date.parse(job.started_at);
    const told = all.states.find(({ status }: { status: string }) => status === "completed").run;
    expect(Math.abs(told.p50_ms - ran)).toBeLessThanOrEqual(error_bound * ran + 2);
    expect(told.p99_ms).toBe(told.p50_ms);
    expect(all.wait.p50_ms).toBeGreaterThan(0);
  });

  it("tells the same in every window that holds the jobs, by the hour and by the day", async () => {
    for (const window of ["1h", "6h", "24h", "48h", "7d", "30d", "90d"]) {
      const found = await stats(`?window=${window}`);
      expect([window, found.all.ended]).toEqual([window, 4]);
      expect(found.grain).toBe(window.endsWith("h") ? "hour" : "day");
      expect(Date.parse(found.from)).toBeLessThanOrEqual(Date.now() - Number.parseInt(window, 10) * 3_600_000);
    }
  });

  it("tells since when a retry waits, and not since when its job was first asked for", async () => {
    const db = room.database.em.fork();
    await query(db, `update jobs set created_at = created_at - interval '2 days' where status = 'queued'`);
    const oldest = async () => (await stats()).all.queue.oldest_waiting_seconds as number;
    expect(await oldest()).toBeGreaterThan(172_000);
    await query(db, `update jobs set queued_at = now() where status = 'queued'`);
    expect(await oldest()).toBeLessThan(60);
  });

  it("tells of one type alone, if asked", async () => {
    expect((await stats("?type=publish")).all.ended).toBe(4);
    expect((await stats("?type=maintenance")).all).toMatchObject({ ended: 0, states: [], wait: null, run: null });
  });

  it("tells no tenant of another's jobs", async () => {
    const { all, types, counted_since } = await stats("", room.keys.foreign);
    expect(all).toMatchObject({ ended: 0, queue: { queued: 0, running: 0, oldest_waiting_at: null } });
    expect([types, counted_since]).toEqual([[], null]);
  });

  it.each(["?window=3d", "?type=nothing", "?tenant=harbour", "?window=24h&window=7d"])("refuses %s", async (search) => {
    const { status, body } = await room.call("GET", `/jobs/stats${search}`);
    expect([status, body.code]).toEqual([400, "invalid_request"]);
  });

  it("counts what a deleted project's jobs were, still", async () => {
    const draft = await createDraft(room, TWICE);
    const { body } = await room.call("POST", `/projects/${draft.project}/versions/1/publish`, { body: {} });
    await room.call("POST", `/jobs/${body.id}/cancel`, { body: {} });
    expect((await room.call("DELETE", `/projects/${draft.project}`)).status).toBe(204);
    expect((await stats()).all.ended).toBe(5);
  });

  it("says that more has ended where counting is behind", async () => {
    await query(
      room.database.em.fork(),
      `
      insert into job_endings (job_id, generation, tenant_id, job_type, status, queued_at, ended_at, steps)
      select gen_random_uuid(), 1, tenant_id, job_type, 'cancelled', now(), now(), '[]' from jobs, generate_series(1, 2500)
      where id = $1
      `,
      [ended.completed],
    );
    expect((await stats()).pending).toBe(true);
    const { pending, all } = await stats();
    expect([pending, all.ended]).toEqual([false, 2_505]);
  });
});

describe("platen stats", () => {
  it("tells it in a terminal, and as JSON to machines", async () => {
    const env = { PLATEN_SERVER: room.url, PLATEN_API_KEY: room.keys.viewer };
    const told = await runPlaten(["stats", "--window", "7d"], { env });
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(/^Since \d{4}-/);
    expect(told.stdout).toMatch(/publish\n\s+0 running, 1 waiting, the oldest for .*ended/);
    expect(told.stdout).toMatch(/failed\s+3 {2}waited .* ran .*\n/);
    expect(told.stdout).toContain("failed with version_invalid (3)");
    const { stdout } = await runPlaten(["stats", "--json"], { env });
    expect(JSON.parse(stdout)).toMatchObject({ window: "24h", pending: false });
  });
});
