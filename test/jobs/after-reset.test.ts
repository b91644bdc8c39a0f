import { describe, expect, it } from "vitest";
import { definitionOf, JOB_TYPES, type JobType } from "../../contract/job-types.ts";
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

  it("is in its last step until it ends, and takes settling for no step", () => {
    const all = ["validate", "generateRelease", "upload", "verifyTiles", "markPublished", "settle"];
    expect(after({ activities: all })).toMatchObject({ step: "mark_published", progress: 80 });
    expect(states({ activities: all })).toEqual(["done", "done", "done", "done", "pending"]);
    const tiled = { activities: ["makeTiles", "makeTiles"] };
    expect(after(tiled)).toMatchObject({ step: "validate", progress: 0 });
  });
});

describe.each(Object.keys(JOB_TYPES) as JobType[])("a reset %s without a worker", (job_type) => {
  const definitions = definitionOf(job_type).steps;

  it.each(definitions.map(({ name }, at) => [name, at] as const))(
    "to %s has what comes before it behind it",
    (_, at) => {
      const activities = definitions.slice(0, at).map(({ activity }) => activity);
      const told = stepsAfterReset({ job_type, steps: pendingSteps(definitions) }, { activities, carried: [] });
      expect(told).toMatchObject({ step: definitions[at]?.name, progress: definitions[at - 1]?.percent ?? 0 });
      expect(told.steps?.map(({ status }) => status)).toEqual(
        definitions.map((_step, i) => (i < at ? "done" : "pending")),
      );
    },
  );

  it("does not take what its last step's activity has answered for its end", () => {
    const last = definitions.at(-1)?.activity ?? "";
    const told = stepsAfterReset({ job_type, steps: [] }, { activities: [last, last], carried: [] });
    expect(told).toMatchObject({ step: definitions[0]?.name, progress: 0, steps: pendingSteps(definitions) });
  });
});
