import { afterAll, beforeAll, describe, it } from "vitest";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { expectSurvived } from "../support/kill-points.ts";
import { startMortalWorkers, type MortalWorkers } from "../support/mortal-workers.ts";

let room: ChaosRoom;
let workers: MortalWorkers;

beforeAll(async () => {
  room = await createChaosRoom();
  workers = await startMortalWorkers(room, { processes: 3, concurrency: 1 });
});
afterAll(async () => {
  await workers?.stop();
  await room?.close();
});

/** The long form, with 20 points of each activity: `npm run chaos`. */
describe("a worker that dies at a point of an activity", { timeout: 120_000 }, () => {
  it("costs neither its own publish nor those beside it", async () => {
    await expectSurvived(room, workers, [
      { activity: "generateRelease", point: 21 },
      { activity: "upload", point: 30 },
      { activity: "markPublished", point: 33 },
    ]);
  });
});
