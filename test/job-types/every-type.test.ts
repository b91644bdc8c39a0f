/** What every job type holds, over the table: a type that is added gets all of this by one line in test/support/job-samples. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import { definitionOf } from "../../contract/job-types.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import {
  play,
  playCancelledUnseen,
  playFailing,
  playHeld,
  playStalling,
  WORKER,
  type Played,
} from "../support/job-samples/play.ts";
import { contentOf, startSample, type JobSample } from "../support/job-samples/sample.ts";
import { requestCancel, reset, terminate, workflowStatus } from "../support/operator.ts";
import { jobRow, ledger, until } from "../support/publishing.ts";

/** What an operator does is told within this. */
const TOLD_MS = 3_000;
/** A heartbeat carries a cancel to what works (2 s at most), and its clean-up comes after it. */
const STOPPED_MS = 6_000;
const END_MS = 60_000;

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
  room.reconcile(200);
  await room.worker(WORKER);
});
afterAll(() => room?.close());

describe.each(Object.values(SAMPLES))("a job of type $type", { timeout: 120_000 }, (sample) => {
  it("is done, every step told once, gap-free, with one final event last", async () => {
    const played = await play(room, sample);
    const row = await done(sample, played);
    expect(row).toMatchObject({ progress: 100, generation: 1 });
    expect(row.steps.map(({ name, status }) => [name, status])).toEqual(
      definitionOf(sample.type).steps.map(({ name }) => [name, "done"]),
    );
    const events = await ledger(room, played.job);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const finals = events.filter(({ kind, data }) => kind === "status" && isFinal(data["status"] as JobStatus));
    expect(finals).toEqual([events.at(-1)]);
  });

  it.runIf(sample.stalling)("that is cancelled while it works stops in time, and a retry completes it", async () => {
    const { letGo, ...played } = await stalled(sample);
    const asked = performance.now();
    await cancelJob(room.deps, { job_id: played.job, by: room.principal });
    expect(await room.ended(played.job, END_MS)).toMatchObject({
      status: "cancelled",
      cancel_stopped_at: expect.anything(),
    });
    expect(performance.now() - asked).toBeLessThan(STOPPED_MS);
    await letGo();
    await retryJob(room.deps, { job_id: played.job, by: room.principal });
    expect(await done(sample, played)).toMatchObject({ generation: 2 });
  });

  it.runIf(sample.stalling)("that is cancelled in the Web UI stops in time, and says who asked", async () => {
    const { letGo, job } = await stalled(sample);
    const pressed = performance.now();
    await requestCancel(room, job);
    expect(await room.ended(job, END_MS)).toMatchObject({
      status: "cancelled",
      cancel_requested_at: expect.anything(),
    });
    expect(performance.now() - pressed).toBeLessThan(STOPPED_MS);
    await letGo();
  });

  it("that is cancelled in the Web UI before a worker has seen it ends so, and a retry completes it", async () => {
    const played = await playCancelledUnseen(room, sample);
    expect(await room.ended(played.job, END_MS)).toMatchObject({ status: "cancelled" });
    await until("the workflow to close", async () => (await workflowStatus(room, played.job)) !== "RUNNING");
    await retryJob(room.deps, { job_id: played.job, by: room.principal });
    expect(await done(sample, played)).toMatchObject({ generation: 2 });
  });

  it("whose worker dies in its work is done by the next one, once", async () => {
    const played = await playHeld(room, sample);
    await room.killWorkers();
    await played.gate.open();
    await room.worker(WORKER);
    expect(await done(sample, played)).toMatchObject({ generation: 1 });
  });

  it("that is reset to its first task goes on as the next generation, and is done once", async () => {
    const played = await playHeld(room, sample);
    await reset(room, played.job);
    const pressed = performance.now();
    await played.gate.open();
    await until("the next generation", async () => (await jobRow(room, played.job)).generation === 2);
    expect(performance.now() - pressed).toBeLessThan(TOLD_MS);
    expect(await done(sample, played)).toMatchObject({ generation: 2 });
  });

  it.runIf(sample.later)("that is done, and is reset to its first task, changes nothing again", async () => {
    const played = await play(room, sample);
    const before = await done(sample, played);
    const payload = (await sample.later?.(room, played.draft)) ?? {};
    const later = await startSample(room, played.draft, { type: sample.type, payload });
    expect(DONE).toContain((await room.ended(later, END_MS)).status);
    const content = await contentOf(room, played.draft);
    await reset(room, played.job);
    await until("the next generation", async () => (await jobRow(room, played.job)).generation === 2);
    const { status, message, result, steps } = await room.ended(played.job, END_MS);
    expect({ status, message, result }).toEqual({
      status: before.status,
      message: before.message,
      result: before.result,
    });
    expect(steps.map((step) => step.status)).toEqual(before.steps.map((step) => step.status));
    expect(await contentOf(room, played.draft)).toEqual(content);
    await until("the workflow to close", async () => (await workflowStatus(room, played.job)) === "COMPLETED");
  });

  it("that is terminated says so in time, whatever its worker goes on with", async () => {
    const { job, gate } = await playHeld(room, sample);
    await terminate(room, job);
    // An attempt that goes on knows nothing of it, and may be done first.
    await room.killWorkers();
    const pressed = performance.now();
    await gate.open();
    expect(await room.ended(job, END_MS)).toMatchObject({ status: "cancelled", error_code: "terminated_by_operator" });
    expect(performance.now() - pressed).toBeLessThan(TOLD_MS);
    await room.worker(WORKER);
  });

  it.runIf(sample.failing)("that cannot be done fails with its code, in row and workflow", async () => {
    const played = await playFailing(room, sample);
    const { status, error_code } = await room.ended(played?.job ?? "", END_MS);
    expect({ status, error_code }).toEqual({ status: "failed", error_code: played?.code });
    await until("the workflow to fail", async () => (await workflowStatus(room, played?.job ?? "")) === "FAILED");
  });
});

const DONE: JobStatus[] = ["completed", "partially_completed"];

async function done(sample: JobSample, { job, draft }: Played) {
  const row = await room.ended(job, END_MS);
  expect(DONE, row.message ?? "").toContain(row.status);
  await sample.expectDone(room, draft, row.result ?? {});
  return row;
}

async function stalled(sample: JobSample) {
  const played = await playStalling(room, sample);
  if (!played) throw new Error(`${sample.type} has no sample that stalls`);
  return played;
}
