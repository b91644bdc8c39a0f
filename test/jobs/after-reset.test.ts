import { describe, expect, it } from "vitest";
import { pendingSteps, type StepState } from "../../contract/progress.ts";
import { PUBLISH_STEPS } from "../../contract/publish.ts";
import { stepsAfterReset } from "../../src/jobs/protocol/after-reset.ts";

const at = "2026-01-01T00:00:00.000Z";
/** A publish that failed in `verify_tiles`. */
const steps: StepState[] = pendingSteps(PUBLISH_STEPS).map((step, index) => ({
  ...{ ...step, started_at: at },
  status: index < 3 ? "done" : index === 3 ? "failed" : "pending",
}));
const after = (behind: { activities?: string[]; carried?: string[] }) =>
  stepsAfterReset({ job_type: "publish", steps }, { activities: [], carried: [], ...behind });
const states = (behind: Parameters<typeof after>[0]) => after(behind).steps?.map(({ status }) => status);

describe("a reset job without a worker", () => {
  it("has the steps before the reset's point behind it, with their times, and those after it before it", () => {
    const { step, progress, steps: shown } = after({ activities: ["validate", "generateRelease"] });
    expect({ step, progress }).toEqual({ step: "upload", progress: 30 });
    expect(shown?.slice(0, 2)).toEqual(steps.slice(0, 2));
    expect(shown?.slice(2)).toEqual(pendingSteps(PUBLISH_STEPS).slice(2));
  });

  it("begins anew after a reset to the first task", () => {
    expect(states({})).toEqual(["pending", "pending", "pending", "pending", "pending"]);
    expect(after({})).toMatchObject({ step: "validate", progress: 0 });
  });

  it("keeps what a retry had carried into the run", () => {
    expect(states({ carried: ["validate", "generate_release", "upload"] })).toEqual([
      ...["done", "done", "done", "pending", "pending"],
    ]);
  });

  it("never shows the last percent before its end, and takes settling for no step", () => {
    const all = ["validate", "generateRelease", "upload", "verifyTiles", "markPublished", "settle"];
    expect(after({ activities: all })).toMatchObject({ step: "mark_published", progress: 99 });
  });
});
