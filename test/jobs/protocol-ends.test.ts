/** Rules about the end of a generation, and about the retry that opens the next. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PublishResult } from "../../contract/publish.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { published } from "../../src/jobs/protocol/project.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { attemptOf, createProtocolRoom, FAILED, type ProtocolRoom } from "../support/protocol-room.ts";
import { createDraft, jobRow, queueJob, type Draft } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let draft: Draft;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => ({ draft, job } = await protocol.renew()));

const RESULT: PublishResult = {
  release_id: "rel_1",
  release_url: "/dev/town/release.json",
  overlay_count: 2,
  tile_count: 3,
  digest: "d".repeat(64),
  published_at: "2026-01-01T00:00:00.000Z",
};
const again = () => enterStep(protocol.room.deps, attemptOf(job, "F", 2), { step: "mark_published", message: "again" });

describe("an attempt whose run has written the final state", () => {
  it("finds the job completed, with its result, and writes nothing", async () => {
    await finishJob(protocol.room.deps, await protocol.grip(attemptOf(job, "F", 1)), published(RESULT, "dev"));
    const before = await protocol.state(job);
    expect(await again()).toEqual({ kind: "end", status: "completed", result: RESULT });
    expect(await protocol.state(job)).toEqual(before);
  });

  it("finds the job failed, and writes nothing", async () => {
    await settleJob(protocol.room.deps, await protocol.grip(attemptOf(job, "F", 1)), FAILED);
    const before = await protocol.state(job);
    expect(await again()).toEqual({ kind: "end", status: "failed" });
    expect(await protocol.state(job)).toEqual(before);
  });
});

describe("finishing", () => {
  it("twice is a success and writes once: the answer to the first may have been lost", async () => {
    const grip = await protocol.grip(attemptOf(job, "F", 1));
    await finishJob(protocol.room.deps, grip, published(RESULT, "dev"));
    const before = await protocol.state(job);
    await finishJob(protocol.room.deps, grip, published(RESULT, "dev"));
    expect(await protocol.state(job)).toEqual(before);
  });

  it("is refused to an attempt that is not the newest", async () => {
    const old = await protocol.grip(attemptOf(job, "F", 1));
    await protocol.grip(attemptOf(job, "F", 2));
    await expect(finishJob(protocol.room.deps, old, published(RESULT, "dev"))).rejects.toMatchObject({
      code: "superseded",
    });
  });
});

describe("a retry", () => {
  const retry = () => retryJob(protocol.room.deps, { job_id: job, by: protocol.room.principal });
  beforeEach(async () => {
    await settleJob(protocol.room.deps, await protocol.grip(attemptOf(job, "F", 1)), FAILED);
  });

  it("leaves the row to no attempt until the new run claims it", async () => {
    expect(await retry()).toEqual({
      generation: 2,
      from: "validate",
      message: expect.stringContaining("from validate"),
    });
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "queued", run_id: "F", attempt_at: 0 });
  });

  it("takes the guard again, so that nobody else can publish meanwhile", async () => {
    await retry();
    const next = await createDraft(protocol.room, { project: draft });
    await expect(queueJob(protocol.room, next)).rejects.toThrow("the guard is held");
  });

  it("is refused while another job holds the guard, and changes nothing", async () => {
    const holder = await queueJob(protocol.room, await createDraft(protocol.room, { project: draft }));
    const before = await protocol.state(job);
    await expect(retry()).rejects.toMatchObject({ code: "publish_running", facts: { job: holder } });
    expect(await protocol.state(job)).toEqual(before);
    expect(protocol.temporal.started).toEqual([]);
  });
});
