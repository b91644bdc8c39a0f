import { describe, it } from "vitest";
import { FAULTS } from "./storm/faults.ts";
import { expectCalmAfter } from "./storm/run-storm.ts";

/** Those that are over soon; the long form has all of them: `npm run chaos`. */
const SHORT = FAULTS.filter(({ name, lasts: [least] }) => least <= 3_000 && !name.endsWith("mid-step"));

describe("sixteen publishes in a storm", { timeout: 200_000 }, () => {
  it("of faults of every kind end completed, once each, and nothing lies meanwhile", () =>
    expectCalmAfter({
      faults: SHORT,
      publishes: { count: 16, large: 0, poisoned: 1 },
      ...{ atATime: 6, workers: 2, gateways: 2, rounds: 0, spreadMs: 12_000 },
      ...{ together: 2, pauseMs: [400, 1_000], haste: 3, rageMs: 15_000 },
    }));
});
