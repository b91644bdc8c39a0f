import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectNothingLost, startDrill, type Drill, type DrillOptions } from "../support/resume-drill.ts";

const OPTIONS: DrillOptions = {
  ...{ jobs: 20, watchersPerJob: 5, entries: 30, pauseMs: 80 },
  ...{ crashesAt: [5_000, 12_000], endMs: 240_000 },
};

let drill: Drill;

beforeAll(async () => {
  drill = await startDrill(OPTIONS);
});
afterAll(() => drill?.close());

/** The long form: `npm run chaos`. */
describe("a hundred EventSources, while gateways, LISTEN and PostgreSQL die", { timeout: 300_000 }, () => {
  it("are told every event of their jobs once and in order, and one final event", async () => {
    const outcome = await drill.run();
    expectNothingLost(outcome, OPTIONS);
    expect(outcome.delivered).toBeGreaterThanOrEqual(15_000);
  });
});
