import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { createChaosRoom, expectReleasedOnce, expectSoundLedger, type ChaosRoom } from "../support/chaos-room.ts";
import { attemptsOf } from "./storm/attempts.ts";
import { jobRow, SMALL, until } from "../support/publishing.ts";

/** JTS takes the square of a zigzag's vertices: minutes for this one. */
const VERTICES = 60_000;
const OTHERS = 6;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterAll(() => room?.close());

describe("a poisoned job", { timeout: 120_000 }, () => {
  it("that computes without end and one that throws touch no other job of their worker; both can be cancelled or told", async () => {
    const worker = await room.worker();
    const zigzag = Array.from({ length: VERTICES }, (_, at) => [at, at % 2]);
    const coordinates = [[...zigzag, [VERTICES, 3], [0, 3], zigzag[0]!]];
    const overlays = [{ geometry: { type: "Polygon", coordinates } }];
    const endless = await room.publish(await room.draft({ descriptor: SMALL, overlays }));
    // What nobody foresaw: its reservation is gone when it is to be read.
    const throwing = await room.draft({ descriptor: SMALL });
    const thrown = await room.publishUpTo(throwing, "validate done");
    const sql = `delete from release_reservations where version_id = $1`;
    await query(room.database.em.fork(), sql, [throwing.version_id]);
    await thrown.gate.open();
    await until("the endless one to compute", async () => (await jobRow(room, endless)).step === "validate");

    for (let number = 0; number < OTHERS; number++) {
      const draft = await room.draft({ descriptor: SMALL });
      const job = await room.publish(draft);
      expect(await room.ended(job)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      await expectReleasedOnce(room, draft, [job]);
      expect((await attemptsOf(room, endless))[0]).toMatchObject({ activity: "validate", attempt: 1 });
    }
    expect(await room.ended(thrown.job, 40_000)).toMatchObject({ status: "failed", error_code: "internal" });
    await expectSoundLedger(room, thrown.job, ["failed"]);

    // Still computing, on its first attempt: its heartbeats have been sent all the while, and bring the cancel back.
    expect((await attemptsOf(room, endless))[0]).toMatchObject({ activity: "validate", attempt: 1 });
    await cancelJob(room.deps, { job_id: endless, by: room.principal });
    expect(await room.ended(endless, 15_000)).toMatchObject({ status: "cancelled", error_code: "cancelled" });
    await expectSoundLedger(room, endless, ["cancelled"]);
    expect(await worker.stop()).toBe(0);
  });
});
