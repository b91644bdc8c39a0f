/** What every job type holds, over the table: a type that is added gets all of this by one line in test/support/job-samples. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import { definitionOf } from "../../contract/job-types.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { previewRetry } from "../../src/jobs/retry-preview.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import {
  play,
  playCancelledUnseen,
  playFailing,
  playHeld,
  playOrphaned,
  playStalling,
  WORKER,
  type Played,
} from "../support/job-samples/play.ts";
import { contentOf, startSample, type JobSample } from "../support/job-samples/sample.ts";
import { requestCancel, reset, resetToLast, terminate, workflowStatus } from "../support/operator.ts";
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
    expect(row.size === null, "noted no size").toBe(definitionOf(sample.type).size_unit === null);
    expect(stepsOf(row)).toEqual(definitionOf(sample.type).steps.map(({ name }) => [name, "done"]));
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

  it("that is done, and is reset behind its last activity while no worker is there, ends as it had ended", async () => {
    const played = await play(room, sample);
    const before = await done(sample, played);
    await until("the workflow to close", async () => (await workflowStatus(room, played.job)) === "COMPLETED");
    await room.killWorkers();
    await resetToLast(room, played.job);
    const open = async () => (await jobRow(room, played.job)).status === "running";
    await until("the reset to be told", open);
    await room.worker(WORKER);
    const { status, message, result, progress } = await room.ended(played.job, END_MS);
    expect({ status, message, result, progress }).toEqual({
      ...{ status: before.status, message: before.message, result: before.result, progress: 100 },
    });
    expect(stepsOf(await jobRow(room, played.job))).toEqual(stepsOf(before));
  });

  it("that is reset to any of its steps without a worker says where it stands, and is done once one comes", async () => {
    const orphans = await playOrphaned(room, sample);
    for (const { job, activity } of orphans) await reset(room, job, activity);
    for (const [at, { job, name }] of orphans.entries()) {
      const row = await until("the next generation", async () => {
        const found = await jobRow(room, job);
        return found.generation === 2 && found;
      });
      expect(row).toMatchObject({ status: "running", step: name, progress: orphans[at - 1]?.percent ?? 0 });
      expect(stepsOf(row)).toEqual(orphans.map((step, i) => [step.name, i < at ? "done" : "pending"]));
    }
    await room.worker(WORKER);
    for (const played of orphans) {
      const row = await done(sample, played);
      expect(row).toMatchObject({ progress: 100, generation: 2 });
      expect(stepsOf(row)).toEqual(orphans.map(({ name }) => [name, "done"]));
    }
  });

  it("that is retried goes on at any step that it had reached, as it was foretold, and runs no other again", async () => {
    const orphans = await playOrphaned(room, sample);
    for (const { job } of orphans) await terminate(room, job);
    for (const { job } of orphans) expect(await room.ended(job, END_MS)).toMatchObject({ status: "cancelled" });
    const names = orphans.map(({ name }) => name);
    for (const [first, { job, name }] of orphans.entries()) {
      const foretold = await previewRetry(room.deps, { job_id: job, tenant_id: room.tenant_id, from: name });
      expect(foretold).toMatchObject({ allowed: true, refused: null, from: names[first], generation: 2 });
      expect(foretold.steps.map((step) => [step.name, step.action])).toEqual(
        names.map((each, at) => [each, at < first ? "reuse" : "run"]),
      );
      expect([foretold.reuse.steps, foretold.run_again.steps]).toEqual([first, names.length - first]);
      const retried = await retryJob(room.deps, { job_id: job, by: room.principal, from: name });
      expect(retried).toMatchObject({ from: names[first], generation: 2 });
    }
    await room.worker(WORKER);
    for (const [first, played] of orphans.entries()) {
      const row = await done(sample, played);
      expect(row).toMatchObject({ progress: 100, generation: 2 });
      expect(stepsOf(row)).toEqual(names.map((name) => [name, "done"]));
      expect(await begunAgain(played.job)).toEqual(names.slice(first));
    }
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

const stepsOf = ({ steps }: Awaited<ReturnType<typeof jobRow>>) => steps.map(({ name, status }) => [name, status]);

/** Steps that were begun after the job was reopened. */
async function begunAgain(job: string): Promise<unknown[]> {
  const events = await ledger(room, job);
  return events
    .slice(events.findLastIndex(({ data }) => data["reopened"]))
    .flatMap(({ kind, data }) => (kind === "step" && data["status"] === "running" ? [data["step"]] : []));
}

async function stalled(sample: JobSample) {
  const played = await playStalling(room, sample);
  if (!played) throw new Error(`${sample.type} has no sample that stalls`);
  return played;
}
