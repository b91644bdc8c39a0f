import { afterAll, beforeAll, describe, it } from "vitest";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { ACTIVITIES, expectSurvived } from "../support/kill-points.ts";
import { startMortalWorkers, type MortalWorkers } from "../support/mortal-workers.ts";

const POINTS = 20;

let room: ChaosRoom;
let workers: MortalWorkers;

beforeAll(async () => {
  room = await createChaosRoom();
  workers = await startMortalWorkers(room, 4);
});
afterAll(async () => {
  await workers?.stop();
  await room?.close();
});

describe("a worker that dies at one of twenty points", { timeout: 600_000 }, () => {
  it.each(ACTIVITIES)("of %s costs no publish", async (activity) => {
    const shares = Array.from({ length: POINTS }, (_, at) => at / POINTS);
    const since = Date.now();
    const died = await expectSurvived(room, workers, [{ activity, shares }]);
    console.log(`died in ${died}; ${((Date.now() - since) / 1_000).toFixed(0)} s`);
  });
});
