/** What every job type holds, over the table: a type that is added gets all of this by one line in test/support/job-samples. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definitionOf } from "../../contract/job-types.ts";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, jobRow, ledger, SMALL, until } from "../support/publishing.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker();
});
afterAll(() => room?.close());

const DONE: JobStatus[] = ["completed", "partially_completed"];

describe.each(Object.values(SAMPLES))("a job of type $type", { timeout: 120_000 }, (sample) => {
  const begin = async () => {
    const draft = await createDraft(room, { descriptor: SMALL });
    return { draft, payload: await sample.happy(room, draft) };
  };
  const done = async (job: string, draft: Awaited<ReturnType<typeof begin>>["draft"]) => {
    const row = await room.ended(job, 60_000);
    expect(DONE, row.message ?? "").toContain(row.status);
    await sample.expectDone(room, draft, row.result ?? {});
    return row;
  };

  it("is done, every step told once, gap-free, with one final event last", async () => {
    const { draft, payload } = await begin();
    const job = await startSample(room, draft, { type: sample.type, payload });
    const row = await done(job, draft);
    expect(row).toMatchObject({ progress: 100, generation: 1 });
    expect(row.steps.map(({ name, status }) => [name, status])).toEqual(
      definitionOf(sample.type).steps.map(({ name }) => [name, "done"]),
    );
    const events = await ledger(room, job);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const finals = events.filter(({ kind, data }) => kind === "status" && isFinal(data["status"] as JobStatus));
    expect(finals).toEqual([events.at(-1)]);
  });

  it("that is cancelled while it works stops, and a retry completes it", async () => {
    const { draft, payload } = await begin();
    const job = await startSample(room, draft, { type: sample.type, payload, start: false });
    const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: sample.busy, status: "running" } });
    await startJob(room.deps, job, 1);
    await gate.reached();
    const cancelling = cancelJob(room.deps, { job_id: job, by: room.principal });
    await gate.open();
    await cancelling.catch(() => undefined);
    const row = await room.ended(job, 60_000);
    if (row.status !== "cancelled") return; // it was faster than the cancel
    await retryJob(room.deps, { job_id: job, by: room.principal });
    expect(await done(job, draft)).toMatchObject({ generation: 2 });
  });

  it("whose worker dies in its work is done by the next one, once", async () => {
    const { draft, payload } = await begin();
    const job = await startSample(room, draft, { type: sample.type, payload, start: false });
    const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: sample.busy, status: "running" } });
    await startJob(room.deps, job, 1);
    await gate.reached();
    await room.killWorkers();
    await gate.open();
    await room.worker();
    expect(await done(job, draft)).toMatchObject({ generation: 1 });
  });

  if (sample.failing) {
    const { failing } = sample;
    it("that cannot be done fails with its code, and says what to do", async () => {
      const draft = await createDraft(room, { descriptor: SMALL });
      const { payload, code } = await failing(room, draft);
      const job = await startSample(room, draft, { type: sample.type, payload });
      const row = await room.ended(job, 60_000);
      expect({ status: row.status, code: row.error_code }).toEqual({ status: "failed", code });
    });
  }

  it("that an operator terminates is told as cancelled, by the reconciler", async () => {
    const { draft, payload } = await begin();
    const job = await startSample(room, draft, { type: sample.type, payload, start: false });
    const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: sample.busy, status: "running" } });
    await startJob(room.deps, job, 1);
    await gate.reached();
    const { workflow_id } = await jobRow(room, job);
    await room.temporal.client.workflow.getHandle(workflow_id).terminate("by hand");
    await gate.open();
    const row = await until("the job to be told", async () => {
      await room.reconciler.round();
      const now = await jobRow(room, job);
      return isFinal(now.status) && now;
    });
    if (DONE.includes(row.status)) return; // its attempt was done before anyone had told it
    expect(row).toMatchObject({ status: "cancelled", error_code: "terminated_by_operator" });
  });
});
