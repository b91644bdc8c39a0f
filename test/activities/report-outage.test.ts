/** A real worker, a real server, and PostgreSQL that is gone for longer than a heartbeat may be late. */
import { Worker, NativeConnection } from "@temporalio/worker";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createActivities, type Activities } from "../../activities/index.ts";
import { inStep } from "../../activities/steps.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { queryOne } from "../../src/db.ts";
import { createProgressMirror, type ProgressMirror } from "../../src/jobs/progress-mirror.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { taskQueue } from "../../src/temporal.ts";
import { pictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import { buildBundle } from "../../src/worker/build-bundle.ts";
import { workerSettings } from "../../src/worker/create-worker.ts";
import { startOwnPostgres } from "../support/own-servers.ts";
import { createDraft, createPublishing, queueJob, until, type Publishing } from "../support/publishing.ts";

/** workflows/activity-options.ts */
const HEARTBEAT_TIMEOUT_MS = 10_000;
/** Ten reports a second. */
const REPORT_MS = 100;

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let room: Publishing;
let mirror: ProgressMirror;
let connection: NativeConnection;
let worker: Worker;
let running: Promise<void>;
let reported = 0;

beforeAll(async () => {
  postgres = await startOwnPostgres();
  room = await createPublishing({ database: postgres });
  mirror = createProgressMirror({ ...room.deps, tickMs: 100 });
  const deps = { ...room.deps, config: room.config, mirror, pictures: pictureSettings(room.config) };
  /** Reports for as long as it is let. */
  const validate: Activities["validate"] = (input) =>
    inStep(deps, input, { name: "validate", begins: "reporting" }, async ({ report, signal }) => {
      for (;;) {
        report(0.5, `report ${(reported += 1)}`);
        await delay(REPORT_MS, undefined, { signal });
      }
    });
  const { address, taskQueuePrefix } = room.temporal;
  connection = await NativeConnection.connect({ address });
  worker = await Worker.create({
    ...workerSettings(room.config),
    connection,
    taskQueue: taskQueue("publish", taskQueuePrefix),
    workflowBundle: await buildBundle(),
    activities: { ...createActivities(deps), validate },
  });
  running = worker.run();
});
afterAll(async () => {
  worker?.shutdown();
  await running;
  await mirror?.stop();
  await connection?.close();
  await room?.close();
});

it("an activity beats on while PostgreSQL is away, is not timed out, and its newest report is in the row afterwards", async () => {
  const job = await queueJob(room, await createDraft(room));
  await startJob(room.deps, job, 1);
  const handle = room.temporal.client.workflow.getHandle(workflowId("publish", job));
  const shown = async (): Promise<number> => {
    const sql = `select message from jobs where id = $1`;
    const row = await queryOne<{ message: string | null }>(room.database.em.fork(), sql, [job]);
    return Number(/^report (\d+)$/.exec(row?.message ?? "")?.[1] ?? 0);
  };
  const activity = async () => {
    const [pending] = (await handle.describe()).raw.pendingActivities ?? [];
    return { attempt: pending?.attempt, beat_at: Number(pending?.lastHeartbeatTime?.seconds ?? 0) * 1_000 };
  };
  await until("the first reports in the row", async () => (await shown()) > 0);

  await postgres.crash();
  const [gone, before] = [Date.now(), reported];
  const late = gone + HEARTBEAT_TIMEOUT_MS + 2_000;
  await until("heartbeats for longer than they may be late", async () => (await activity()).beat_at > late, 30_000);
  const newest = reported;
  expect(newest).toBeGreaterThan(before + HEARTBEAT_TIMEOUT_MS / REPORT_MS / 2);
  await postgres.restart();

  await until("the newest report in the row", async () => (await shown()) >= newest);
  expect((await activity()).attempt).toBe(1);
  await handle.terminate();
}, 60_000);
