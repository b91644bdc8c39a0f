import { afterAll, beforeAll, describe, it } from "vitest";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { expectSurvived } from "../support/kill-points.ts";
import { startMortalWorkers, type MortalWorkers } from "../support/mortal-workers.ts";

let room: ChaosRoom;
let workers: MortalWorkers;

beforeAll(async () => {
  room = await createChaosRoom();
  workers = await startMortalWorkers(room, 3);
});
afterAll(async () => {
  await workers?.stop();
  await room?.close();
});

/** The long form, with 20 points of each activity: `npm run chaos`. */
describe("a worker that dies at a point of an activity", { timeout: 120_000 }, () => {
  it("costs no publish", async () => {
    const died = await expectSurvived(room, workers, [
      { activity: "generateRelease", shares: [0.5] },
      { activity: "upload", shares: [0.8] },
      { activity: "markPublished", shares: [0.7] },
    ]);
    console.log(`died in ${died}`);
  });
});
