import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDrill, type Drill } from "../support/resume-drill.ts";

let drill: Drill;

beforeAll(async () => {
  drill = await startDrill({
    ...{ jobs: 20, watchersPerJob: 5, entries: 40, pauseMs: 100 },
    ...{ crashesAt: [6_000, 15_000], endMs: 150_000 },
  });
});
afterAll(() => drill?.close());

/** The long form: `npm run chaos`. */
describe("a hundred EventSources, while gateways, LISTEN and PostgreSQL die", { timeout: 180_000 }, () => {
  it("are told every event of their jobs once and in order, and one final event", async () => {
    const tally = await drill.run();
    console.log(JSON.stringify(tally));
    expect(tally).toMatchObject({
      ...{ missing: 0, doubled: 0, out_of_order: 0, wrong: 0, restarts: 0, watchers: 100, finals: 100 },
      ...{ postgres_crashes: 2, retries: 6, workflow_resets: 1 },
    });
    expect(tally.delivered).toBeGreaterThanOrEqual(15_000);
  });
});
