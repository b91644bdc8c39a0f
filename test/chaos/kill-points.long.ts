import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { ACTIVITIES, countPoints, expectSurvived } from "../support/kill-points.ts";
import { startMortalWorkers, type MortalWorkers } from "../support/mortal-workers.ts";

const POINTS = 20;

let room: ChaosRoom;
let workers: MortalWorkers;

beforeAll(async () => {
  room = await createChaosRoom();
  workers = await startMortalWorkers(room, { processes: 3, concurrency: 4 });
});
afterAll(async () => {
  await workers?.stop();
  await room?.close();
});

describe("a worker that dies at one of twenty points", { timeout: 600_000 }, () => {
  it.each(ACTIVITIES)("of %s costs no publish", async (activity) => {
    const count = await countPoints(room, workers, activity);
    const points = Array.from({ length: POINTS }, (_, at) => Math.floor((at * count) / POINTS));
    expect(new Set(points).size).toBe(POINTS);
    const since = Date.now();
    await expectSurvived(
      room,
      workers,
      points.map((point) => ({ activity, point })),
    );
    console.log(
      `${activity}: died at ${points.join(", ")} of ${count}; ${((Date.now() - since) / 1_000).toFixed(0)} s`,
    );
  });
});
