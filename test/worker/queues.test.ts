/** Queues on the real server: a worker takes the work of its queues only, and two workers of one queue share it. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, jobRow, until } from "../support/publishing.ts";

vi.setConfig({ testTimeout: 120_000 });

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
});
afterAll(() => room?.close());
afterEach(() => room.killWorkers());

/** Process ids of the workers that had the job's activities and workflow tasks. */
async function workersOf(job: string): Promise<Set<number>> {
  const { workflow_id } = await jobRow(room, job);
  const { events } = await room.temporal.client.workflow.getHandle(workflow_id).fetchHistory();
  const started = (events ?? []).flatMap((event) => [
    event.activityTaskStartedEventAttributes?.identity,
    event.workflowTaskStartedEventAttributes?.identity,
  ]);
  return new Set(started.flatMap((identity) => (identity ? [Number(identity.split("@")[0])] : [])));
}

it("a worker takes jobs of its own queues, and leaves those of others to others", async () => {
  const maintenance = await room.worker({ queues: ["maintenance"] });
  const draft = await createDraft(room);
  const publish = await room.publish(draft);
  const sweep = await startSample(room, draft, { type: "maintenance", payload: { dry_run: true } });
  expect(await room.ended(sweep)).toMatchObject({ status: "completed" });
  expect(await workersOf(sweep)).toEqual(new Set([maintenance.pid]));
  // What came before it has not been begun.
  expect(await jobRow(room, publish)).toMatchObject({ status: "queued", run_id: null });

  const publishing = await room.worker({ queues: ["publish", "render"] });
  expect(await room.ended(publish)).toMatchObject({ status: "completed" });
  expect(await workersOf(publish)).toEqual(new Set([publishing.pid]));
});

it("two workers of one queue work at a time, each on as many jobs as it may", async () => {
  const workers = await Promise.all([1, 2].map(() => room.worker({ queues: ["publish"], concurrency: 1 })));
  const first = await room.publishUpTo(await createDraft(room), "validate");
  const second = await room.publishUpTo(await createDraft(room), "validate");
  // Both stand in their first step: one worker alone would have begun one of them.
  const attempts = await until("both to be begun", async () => {
    const activities = await Promise.all(
      [first, second].map(async ({ job }) => {
        const { workflow_id } = await jobRow(room, job);
        const { raw } = await room.temporal.client.workflow.getHandle(workflow_id).describe();
        return raw.pendingActivities?.[0]?.lastWorkerIdentity ?? "";
      }),
    );
    return activities.every((identity) => identity !== "") && activities;
  });
  expect(new Set(attempts.map((identity) => Number(identity.split("@")[0])))).toEqual(
    new Set(workers.map(({ pid }) => pid)),
  );
  await Promise.all([first.gate.open(), second.gate.open()]);
  for (const { job } of [first, second]) expect(await room.ended(job)).toMatchObject({ status: "completed" });
});

it("a job whose queue nobody serves waits, and begins when somebody does", async () => {
  await room.worker({ queues: ["publish"] });
  const draft = await createDraft(room);
  const job = await startSample(room, draft, { type: "maintenance", payload: { dry_run: true }, start: false });
  await startJob(room.deps, job, 1);
  const publish = await room.publish(draft);
  expect(await room.ended(publish)).toMatchObject({ status: "completed" });
  expect(await jobRow(room, job)).toMatchObject({ status: "queued" });
  await room.worker({ queues: ["maintenance"] });
  expect(await room.ended(job)).toMatchObject({ status: "completed" });
});
