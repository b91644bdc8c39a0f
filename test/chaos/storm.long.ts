import { describe, it } from "vitest";
import { FAULTS } from "./storm/faults.ts";
import { expectCalmAfter } from "./storm/run-storm.ts";

describe("two hundred publishes in a storm", { timeout: 1_800_000 }, () => {
  it("of all faults end completed, once each, and nothing lies meanwhile", () =>
    expectCalmAfter({
      faults: FAULTS,
      publishes: { count: 210, large: 8, poisoned: 6 },
      ...{ atATime: 16, workers: 3, gateways: 2, rounds: 2, spreadMs: 300_000 },
      ...{ together: 2, pauseMs: [2_000, 6_000] },
    }));
});
