import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { expectResumed } from "../support/upload-resume.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

describe("an upload of 1,373 tiles whose worker is killed half-way", { timeout: 180_000 }, () => {
  it("goes on where the last heartbeat was: no more is done again than came after it", async () => {
    console.log(await expectResumed(room, { size: 8192, ms: 1_500 }));
  });
});
