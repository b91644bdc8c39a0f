import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { breakPointer } from "../support/broken-pointer.ts";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { terminate } from "../support/operator.ts";
import { jobRow, until } from "../support/publishing.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

describe("a terminate", { timeout: 60_000 }, () => {
  it("before the switch cancels the job, frees the guard and publishes nothing, though the worker goes on", async () => {
    const worker = await room.worker();
    const draft = await room.draft();
    const recorder = room.record(draft);
    const { job, gate } = await room.publishUpTo(draft, "mark_published");

    await terminate(room, job);
    const round = room.reconciler.round();
    // PostgreSQL keeps no line for a row: on a busy machine the worker's next statement overtakes a reconciler that waits for it.
    // The held commit happens though the worker that sent it is frozen.
    await room.gates.somebodyWaits("jobs");
    await worker.freeze();
    await gate.open();
    await round;
    worker.thaw();
    const row = await jobRow(room, job);
    expect(row).toMatchObject({ status: "cancelled", error_code: "terminated_by_operator", switched_at: null });
    await until("the worker's switch to be refused", async () => worker.log().includes("superseded"));
    expect(await jobRow(room, job)).toEqual(row);
    await expectNothingPublic(room, draft, recorder);
    await expectSoundLedger(room, job, ["cancelled"]);
    expect(await guardOf(room, draft)).toBeNull();

    await retryJob(room.deps, { job_id: job, by: room.principal });
    expect(await room.ended(job)).toMatchObject({ status: "completed", generation: 2, epoch: 1 });
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["cancelled", "completed"]);
    expect(await recorder.served()).toEqual([1]);
  });

  it("while the switch commits loses: the job is completed", async () => {
    await room.worker();
    const draft = await room.draft();
    const recorder = room.record(draft);
    const { job, gate } = await room.publishUpTo(draft, "switched");
    await terminate(room, job);
    const round = room.reconciler.round();
    await room.gates.somebodyWaits("jobs");
    await gate.open();
    await round;
    expect(await jobRow(room, job)).toMatchObject({ status: "completed", epoch: 1, error_code: null });
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
    expect(await recorder.served()).toEqual([1]);
  });

  it("after the switch changes nothing: the reconciler writes the pointer and completes the job", async () => {
    await room.worker();
    const draft = await room.draft();
    const recorder = room.record(draft);
    const pointer = await breakPointer(room.storeFolder, "dev", draft.project);
    const job = await room.publish(draft);
    await until("the switch", async () => (await jobRow(room, job)).switched_at);

    await terminate(room, job);
    await room.killWorkers();
    await room.reconciler.round();
    expect(await jobRow(room, job)).toMatchObject({ status: "running", epoch: 1 });
    expect(await recorder.served()).toEqual([]);
    await pointer.mend();
    await room.reconciler.round();
    expect(await jobRow(room, job)).toMatchObject({ status: "completed", generation: 1, epoch: 1, error_code: null });
    const release_id = await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
    expect(await guardOf(room, draft)).toBeNull();
    expect(await recorder.served()).toEqual([1]);
    expect(await recorder.copy()).toEqual({ epoch: 1, release_id });
  });

  it("does not keep other pointers from being mended while one cannot be written", async () => {
    const worker = await room.worker();
    const [broken, other] = [await room.draft(), await room.draft()];
    const recorder = room.record(other);
    const pointers = await Promise.all(
      [broken, other].map((draft) => breakPointer(room.storeFolder, "dev", draft.project)),
    );
    const jobs = [await room.publish(broken), await room.publish(other)];
    for (const job of jobs) await until("the switch", async () => (await jobRow(room, job)).switched_at);
    await worker.kill();
    await pointers[1]?.mend();
    const fresh = room.reconcile();
    await fresh.round();
    expect(await recorder.served()).toEqual([1]);
    await pointers[0]?.mend();
    await fresh.round();
  });
});
