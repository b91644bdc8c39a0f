import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectNothingLost, startDrill, type Drill, type DrillOptions } from "../support/resume-drill.ts";

const OPTIONS: DrillOptions = {
  ...{ jobs: 20, watchersPerJob: 5, entries: 250, pauseMs: 100 },
  ...{ crashesAt: [10_000, 40_000, 75_000, 110_000], endMs: 900_000 },
};

let drill: Drill;

beforeAll(async () => {
  drill = await startDrill(OPTIONS);
});
afterAll(() => drill?.close());

describe(
  "a hundred EventSources, while gateways, LISTEN and PostgreSQL die for minutes",
  { timeout: 1_000_000 },
  () => {
    it("are told every event of their jobs once and in order, and one final event", async () => {
      const outcome = await drill.run();
      expectNothingLost(outcome, OPTIONS);
      expect(outcome.delivered).toBeGreaterThanOrEqual(100_000);
    });
  },
);
