import { rename } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

const retry = (job: string) => retryJob(room.deps, { job_id: job, by: room.principal });

describe("a retry", () => {
  it("of a publish that failed, once the draft is mended, ends completed as generation 2", async () => {
    await room.worker();
    const draft = await room.draft({ config: null });
    const recorder = room.record(draft);
    const job = await room.publish(draft);
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "version_invalid" });
    await expectNothingPublic(room, draft, recorder);
    expect(await guardOf(room, draft)).toBeNull();

    await replaceConfig(room.database.em.fork(), draft, { title: "Town" });
    expect(await retry(job)).toEqual({ generation: 2 });
    // The run that failed may be open for a moment yet: then the retry waits in the row until a reconciler starts it.
    const reconciler = room.reconcile(100);
    expect(await room.ended(job)).toMatchObject({ status: "completed", generation: 2, epoch: 1, error_code: null });
    await reconciler.stop();
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["failed", "completed"]);
    expect(await recorder.served()).toEqual([1]);
    await expect(retry(job)).rejects.toMatchObject({ code: "job_not_retryable" });
  });

  it("of a publish that failed in upload, several times, keeps one final event per generation", async () => {
    await room.worker();
    const draft = await room.draft();
    const recorder = room.record(draft);
    const { job, gate } = await room.publishUpTo(draft, "upload");
    const tile = await sourceTile(room, draft, 200);
    await rename(tile, `${tile}.away`);
    await gate.open();
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "source_tile_damaged" });

    const reconciler = room.reconcile(100);
    await retry(job);
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "version_invalid", generation: 2 });
    await expectNothingPublic(room, draft, recorder);
    await rename(`${tile}.away`, tile);
    await retry(job);
    expect(await room.ended(job)).toMatchObject({ status: "completed", generation: 3, epoch: 1 });
    await reconciler.stop();
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["failed", "failed", "completed"]);
    expect(await recorder.served()).toEqual([1]);
  });
});
