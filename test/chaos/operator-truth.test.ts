/** Every line of the table in docs/operations.md against real servers, without the stopwatch: `npm run bench operator-truth` has that. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startOwnTemporal } from "../support/own-servers.ts";
import { TRUTH_CASES } from "../support/truth/cases.ts";
import { runCase } from "../support/truth/run-case.ts";
import { createTruthRoom, type TruthRoom } from "../support/truth/truth-room.ts";

let room: TruthRoom;

beforeAll(async () => {
  room = await createTruthRoom({ temporal: await startOwnTemporal() });
}, 120_000);
afterAll(() => room?.close());

const expectTold = async (each: (typeof TRUTH_CASES)[number]): Promise<void> => {
  expect((await runCase(room, each)).faults).toEqual([]);
};

describe(
  "what is done in Temporal is told in row, stream and command line, and ends as it must",
  { timeout: 240_000 },
  () => {
    it.concurrent.each(TRUTH_CASES.filter(({ alone }) => !alone))("$name", expectTold);
  },
);

describe("and with nothing else going on", { timeout: 240_000 }, () => {
  it.each(TRUTH_CASES.filter(({ alone }) => alone))("$name", expectTold);
});
