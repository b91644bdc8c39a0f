import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowId } from "../../contract/workflow-id.ts";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  messages,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { pendingActivity } from "../support/operator.ts";
import { jobRow, ledger, until } from "../support/publishing.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";

const JOBS = 20;
/** 169 tiles and 57 of lower levels: four batches, of which the third is held. */
const PYRAMID = { width: 3_300, height: 3_300, tile_size: 256, overlap: 0, format: "png" as const };
const HELD_TILE = 150;
/** What the worker gives running activities, and itself after that. */
const STOP_MS = 8_000;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterAll(() => room?.close());

describe("a worker that is told to stop while it runs twenty activities", { timeout: 180_000 }, () => {
  it("hands all of them over within its time: no attempt is lost, and no job is told that anything was wrong", async () => {
    const worker = await room.worker({ entry: HELD_WORKER, concurrency: JOBS });
    const publishes = [];
    for (let number = 0; number < JOBS; number++) {
      const draft = await room.draft({ descriptor: PYRAMID, tileBytes: 60 });
      const held = await holdBack(await sourceTile(room, draft, HELD_TILE));
      publishes.push({ draft, held, job: await room.publish(draft) });
    }
    for (const { job } of publishes)
      await until(`${job} to be held behind 128 tiles`, async () => (await jobRow(room, job)).progress > 30, 60_000);

    const toldAt = Date.now();
    expect(await worker.stop()).toBe(0);
    const took = Date.now() - toldAt;
    expect(took).toBeLessThan(STOP_MS);
    for (const { job } of publishes) {
      // It has ended its attempt by itself: nobody has to miss its heartbeat.
      await until(`the next attempt of ${job}`, async () => (await pendingActivity(room, job))?.attempt === 2, 5_000);
      expect(await lastFailure(job)).toMatchObject({
        message: "The worker shuts down; the next one resumes this step.",
        applicationFailureInfo: { type: "worker_shutdown", nonRetryable: false },
      });
      expect(await jobRow(room, job)).toMatchObject({ status: "running", step: "upload", error_code: null });
    }

    for (const { held } of publishes) await held.restore();
    await room.worker();
    for (const { job, draft } of publishes) {
      expect(await room.ended(job, 90_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      expect(await messages(room, job)).toContainEqual(expect.stringContaining("Resuming at tile 129 of"));
      const blamed = (await ledger(room, job)).filter(({ data }) => data["code"] || data["level"] === "error");
      expect(blamed).toEqual([]);
      await expectReleasedOnce(room, draft, [job]);
      await expectSoundLedger(room, job, ["completed"]);
    }
    console.log(`SIGTERM with ${JOBS} uploads: handed over after ${(took / 1_000).toFixed(1)} s, all of them resumed`);
  });
});

/** What the pending activity's last attempt has failed with. */
async function lastFailure(job: string) {
  const { raw } = await room.temporal.client.workflow.getHandle(workflowId("publish", job)).describe();
  return raw.pendingActivities?.[0]?.lastFailure;
}
