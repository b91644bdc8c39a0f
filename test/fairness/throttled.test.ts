/** Throttled jobs on the real servers, whatever is done to them: never more at a time than there are permits, and all of them end. */
import { randomUUID } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFinal } from "../../contract/job-state.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { query, transaction } from "../../src/db.ts";
import { insertJob } from "../../src/jobs/new-job-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { createChaosRoom, expectSoundLedger, type ChaosRoom } from "../support/chaos-room.ts";
import { jobRow, until } from "../support/publishing.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
  room.reconcile(300);
  await witness();
  // Two slots: one for the job that stands, one for all that ask.
  await room.worker({ concurrency: 2 });
}, 120_000);
afterAll(() => room?.close());

const db = () => room.database.em.fork();

/** PostgreSQL itself looks at every change of a permit, at every claim and at all work that is done: of maintenance a tenant has one permit. */
async function witness(): Promise<void> {
  await query(db(), `create table overdrawn (what text, job_id uuid)`);
  await query(
    db(),
    `create function watch_permits() returns trigger language plpgsql as $$
     begin
       insert into overdrawn select 'two permits', new.job_id from job_permits
         where tenant_id = new.tenant_id and queue = new.queue and granted_at is not null having count(*) > 1;
       return null;
     end $$`,
  );
  await query(
    db(),
    `create trigger watch_permits after insert or update on job_permits for each row execute function watch_permits()`,
  );
  await query(
    db(),
    `create function watch_work() returns trigger language plpgsql as $$
     begin
       if not exists (select 1 from job_permits where job_id = new.id and granted_at is not null) then
         insert into overdrawn values (old.status || ' → ' || new.status || ' without', new.id);
       end if;
       return new;
     end $$`,
  );
  // Settling claims a queued job to end it, and needs none; a run that a reset has made takes the row over first (the next generation), and works
  // only with one. Before the update: its own statement takes the permit away.
  await query(
    db(),
    `create trigger watch_work before update on jobs for each row
     when (
       new.status = 'running' and old.status = 'queued' and new.step is not null and new.generation = old.generation
       or new.status = 'completed' and old.status = 'running'
     ) execute function watch_work()`,
  );
}

async function begin({ start = true } = {}): Promise<string> {
  const id = uuidv7();
  const about = { project_id: null, version_id: null, environment: null, created_by: room.principal.id };
  const payload = { dry_run: true };
  await transaction(room.database, (tx) =>
    insertJob(tx, { id, tenant_id: room.tenant_id, job_type: "maintenance", message: "queued", payload, ...about }),
  );
  if (start) await startJob(room.deps, id, 1);
  return id;
}
/** Stands in its step until the gate is opened. */
async function standing(): Promise<{ job: string; gate: Awaited<ReturnType<typeof room.gates.close>> }> {
  const job = await begin({ start: false });
  const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: "sweep", status: "running" } });
  await startJob(room.deps, job, 1);
  await gate.reached();
  return { job, gate };
}
const handle = (job: string) => room.temporal.client.workflow.getHandle(workflowId("maintenance", job));
const waits = (job: string) =>
  until(`job ${job} to wait`, async () => (await jobRow(room, job)).message?.startsWith("Waiting for a permit"));
const holds = async (job: string): Promise<boolean> =>
  (await query(db(), `select 1 from job_permits where job_id = $1 and granted_at is not null`, [job])).length > 0;

async function resetToBegin(job: string): Promise<void> {
  const { runId } = await handle(job).describe();
  const { events } = await handle(job).fetchHistory();
  const first = events?.find(({ workflowTaskCompletedEventAttributes: it }) => it)?.eventId;
  await room.temporal.client.workflowService.resetWorkflowExecution({
    ...{ namespace: room.temporal.namespace, requestId: randomUUID(), reason: "chaos" },
    workflowExecution: { workflowId: workflowId("maintenance", job), runId },
    workflowTaskFinishEventId: first ?? null,
  });
}

async function expectAtRest(): Promise<void> {
  expect(await query(db(), `select * from overdrawn`)).toEqual([]);
  expect(await query(db(), `select * from job_permits`)).toEqual([]);
}

describe("a job of a throttled type", { timeout: 90_000 }, () => {
  it("waits without a worker's slot, and goes on at once when its turn comes", async () => {
    const { job, gate } = await standing();
    const behind = [await begin(), await begin(), await begin()];
    for (const each of behind) await waits(each);
    expect((await jobRow(room, behind[0] ?? "")).status).toBe("queued");
    await gate.open();
    // A lost signal would cost a minute.
    for (const each of [job, ...behind]) expect(await room.ended(each, 15_000)).toMatchObject({ status: "completed" });
    await expectAtRest();
  });

  it("that is cancelled while it waits ends at once, with its run", async () => {
    const { job, gate } = await standing();
    const behind = await begin();
    await waits(behind);
    await cancelJob(room.deps, { job_id: behind, by: room.principal });
    expect(await jobRow(room, behind)).toMatchObject({ status: "cancelled" });
    await until("its run to end", async () => (await handle(behind).describe()).status.name === "CANCELLED");
    await gate.open();
    await room.ended(job);
    await expectAtRest();
  });

  it("that is cancelled in the Web UI while it waits ends as cancelled, and leaves the line", async () => {
    const { job, gate } = await standing();
    const behind = await begin();
    await waits(behind);
    await handle(behind).cancel();
    expect(await room.ended(behind)).toMatchObject({ status: "cancelled", error_code: "cancelled" });
    await gate.open();
    await room.ended(job);
    await expectAtRest();
  });

  it("keeps its permit when its worker dies, and lets nobody in before it has ended", async () => {
    const { job, gate } = await standing();
    const behind = await begin();
    await waits(behind);
    await room.killWorkers();
    await gate.open();
    expect(await holds(job)).toBe(true);
    await room.worker({ concurrency: 2 });
    for (const each of [job, behind]) expect(await room.ended(each, 60_000)).toMatchObject({ status: "completed" });
    await expectAtRest();
  });

  it("keeps its permit when it is reset in its work", async () => {
    const { job, gate } = await standing();
    const behind = await begin();
    await waits(behind);
    await resetToBegin(job);
    expect(await holds(job)).toBe(true);
    await gate.open();
    // The old attempt may be done before the new run takes the job over, which does it again then.
    await until("its new run to end", async () => (await handle(job).describe()).status.name === "COMPLETED", 60_000);
    for (const each of [job, behind]) expect(await room.ended(each, 60_000)).toMatchObject({ status: "completed" });
    await expectAtRest();
  });

  it("that had ended and is reset works again only with a new permit", async () => {
    const first = await begin();
    await room.ended(first);
    const { job, gate } = await standing();
    await resetToBegin(first);
    await until("it to wait", async () => {
      const row = await jobRow(room, first);
      return row.generation === 2 && row.message?.startsWith("Waiting for a permit");
    });
    expect(await holds(first)).toBe(false);
    await gate.open();
    await room.ended(job);
    await until("it to be done again", async () => (await jobRow(room, first)).status === "completed", 60_000);
    await expectSoundLedger(room, first, ["completed", "completed"]);
    await expectAtRest();
  });

  it("that is terminated leaves its permit to the next", async () => {
    const { job, gate } = await standing();
    const behind = await begin();
    await waits(behind);
    await gate.open();
    await handle(job)
      .terminate("by hand")
      .catch(() => undefined);
    expect(await room.ended(behind, 30_000)).toMatchObject({ status: "completed" });
    await room.ended(job);
    await expectAtRest();
  });

  it("ends, with twelve in a line that are killed, terminated, reset, cancelled and retried as it comes", async () => {
    const jobs: string[] = [];
    for (let number = 0; number < 12; number += 1) jobs.push(await begin());
    const pick = (): string => jobs[Math.floor(Math.random() * jobs.length)] ?? "";
    const quietly = (done: Promise<unknown>): Promise<unknown> => done.catch(() => undefined);
    const faults = [
      () => quietly(handle(pick()).terminate("chaos")),
      () => quietly(resetToBegin(pick())),
      () => quietly(cancelJob(room.deps, { job_id: pick(), by: room.principal })),
      () => quietly(retryJob(room.deps, { job_id: pick(), by: room.principal })),
      () => quietly(handle(pick()).cancel()),
      async () => {
        await room.killWorkers();
        await room.worker({ concurrency: 2 });
      },
    ];
    for (let number = 0; number < 24; number += 1) await faults[number % faults.length]?.();
    await until(
      "all to end",
      async () => (await Promise.all(jobs.map((job) => jobRow(room, job)))).every(({ status }) => isFinal(status)),
      60_000,
    );
    await until(
      "what is reset last to be told",
      async () => {
        const open = await Promise.all(
          jobs.map(async (job) => (await handle(job).describe()).status.name === "RUNNING"),
        );
        return open.every((is) => !is);
      },
      60_000,
    );
    await until("nothing to be left", async () => (await query(db(), `select 1 from job_permits`)).length === 0);
    await expectAtRest();
  });
});
