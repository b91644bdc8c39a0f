import { expect, it } from "vitest";
import { planRetry } from "../../src/jobs/protocol/retry-plan.ts";
import { countWork, tellSteps, type RetryStory } from "../../src/jobs/retry-steps.ts";

const step = (name: string, status: "done" | "failed" | "pending") => ({ name, label: name.toUpperCase(), status });
/** A job of a type that publishes nothing, with steps of any names. */
const job = {
  ...{ id: "j", job_type: "maintenance" as const, status: "failed" as const, environment: null },
  steps: [step("fetch", "done"), step("read", "failed"), step("write", "pending")],
};
const kept = [{ step: "fetch", revision: 0, result: { bytes: 7 } }];

function story(more: { revision?: number; wanted?: string; keeps?: boolean } = {}): RetryStory {
  const records = { revision: more.revision ?? 0, kept: more.keeps === false ? [] : kept };
  const plan = planRetry(job, records, more.wanted);
  const revision = more.revision ?? null;
  return { plan, yielded: new Map([["fetch", { bytes: 7 }]]), draft: null, revision, job, wanted: more.wanted };
}
const words = (told: RetryStory) => tellSteps(told).map(({ name, action, why }) => [name, action, why]);

it("tells what a retry of any type does again, and what it keeps", () => {
  expect(words(story())).toEqual([
    ["fetch", "reuse", "It has finished, and what it yielded is kept."],
    ["read", "run", "It failed here."],
    ["write", "run", "WRITE: it comes after what runs again."],
  ]);
  expect(countWork(story())).toEqual({ reuse: { steps: 1 }, run_again: { steps: 2 } });
});

it("says why it begins earlier", () => {
  const from = (told: RetryStory) => words(told)[0];
  expect(from(story({ revision: 4 }))).toEqual(["fetch", "run", "The draft was edited since this step had finished."]);
  expect(from(story({ keeps: false }))).toEqual(["fetch", "run", "What it yielded was not kept."]);
  expect(from(story({ wanted: "fetch" }))).toEqual(["fetch", "run", "It was asked to begin here."]);
});
