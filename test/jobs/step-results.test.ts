/** What a finished step yielded is kept with its end, and only with it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { leaveStep } from "../../src/jobs/protocol/ledger-writes.ts";
import { attemptOf, createProtocolRoom, type ProtocolRoom } from "../support/protocol-room.ts";

let protocol: ProtocolRoom;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => ({ job } = await protocol.renew()));

const kept = () =>
  query(
    protocol.room.database.em.fork(),
    `select step, generation, revision, result from job_step_results where job_id = $1 order by at`,
    [job],
  );

describe("what a finished step yielded", () => {
  it("is kept with its end, and is replaced when the step ends again", async () => {
    const { deps } = protocol.room;
    const first = await protocol.grip(attemptOf(job, "F", 1), "validate");
    await leaveStep(deps, first, "validate", "Valid", { revision: 1, result: { revision: 1, release_id: "rel_1" } });
    expect(await kept()).toEqual([
      { step: "validate", generation: 1, revision: 1, result: { revision: 1, release_id: "rel_1" } },
    ]);
    const again = await protocol.grip(attemptOf(job, "F", 2), "validate");
    await leaveStep(deps, again, "validate", "Valid", { revision: 2, result: { revision: 2, release_id: "rel_2" } });
    expect(await kept()).toEqual([
      { step: "validate", generation: 1, revision: 2, result: { revision: 2, release_id: "rel_2" } },
    ]);
  });

  it("is not kept for an attempt whose row has moved on", async () => {
    const { deps } = protocol.room;
    const old = await protocol.grip(attemptOf(job, "F", 1), "validate");
    await protocol.grip(attemptOf(job, "F", 2), "validate");
    const late = leaveStep(deps, old, "validate", "late", { revision: 1, result: { revision: 1 } });
    await expect(late).rejects.toMatchObject({ code: "superseded" });
    expect(await kept()).toEqual([]);
  });
});
