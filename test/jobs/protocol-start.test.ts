/** start, against the real server: the rule that is Temporal's to keep. No worker takes part. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { terminate } from "../support/operator.ts";
import { createDraft, createPublishing, jobRow, queueJob, type Publishing } from "../support/publishing.ts";

let room: Publishing;

beforeAll(async () => {
  room = await createPublishing();
});
afterAll(() => room?.close());

const runOf = async (job: string) => room.executions.describe(`publish-${job}`);

describe("the start of generation 1", () => {
  it("is refused once any run of the job exists, open or closed; that of a later generation only while one is open", async () => {
    const job = await queueJob(room, await createDraft(room));
    expect(await startJob(room.deps, job, 1)).toBe("started");
    const first = await runOf(job);
    expect(first).toMatchObject({ open: true, generation: 1, reset: false });
    expect(await startJob(room.deps, job, 1)).toBe("already_started");
    expect(await startJob(room.deps, job, 2)).toBe("already_started");
    expect(await runOf(job)).toEqual(first);

    await terminate(room, job);
    // A gateway that was frozen for as long: what it starts must not run again.
    expect(await startJob(room.deps, job, 1)).toBe("already_started");
    expect(await runOf(job)).toMatchObject({ run_id: first?.run_id, open: false, status: "TERMINATED" });

    expect(await startJob(room.deps, job, 2)).toBe("started");
    const second = await runOf(job);
    expect(second).toMatchObject({ open: true, generation: 2, reset: false });
    expect(second?.run_id).not.toBe(first?.run_id);
    expect(await jobRow(room, job)).toMatchObject({ status: "queued", run_id: null });
    await terminate(room, job);
  });
});
