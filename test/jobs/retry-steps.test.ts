import { expect, it } from "vitest";
import type { JobStatus } from "../../contract/job-state.ts";
import { foretellMembers } from "../../src/jobs/groups/foretell-members.ts";
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
  return {
    plan,
    yielded: new Map([["fetch", { bytes: 7 }]]),
    draft: null,
    members: null,
    revision,
    job,
    wanted: more.wanted,
  };
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

it("tells of a group how many of its members are done, run again, and have not been begun", () => {
  const member = (key: string, status: JobStatus | null, refused = false) => ({
    ...{ key, status, refused: refused ? { code: "publish_running", message: "no" } : null },
  });
  const members = foretellMembers([
    ...[member("a", "completed"), member("b", "partially_completed"), member("c", "failed"), member("d", "cancelled")],
    ...[member("e", null, true), member("f", null), member("g", "running"), member("h", "queued")],
  ]);
  expect(members).toEqual({
    done: { count: 2, keys: ["a", "b"] },
    again: { count: 3, keys: ["c", "d", "e"] },
    skipped: { count: 1, keys: ["f"] },
    open: { count: 2, keys: ["g", "h"] },
  });
  const group = { ...job, job_type: "group" as const, steps: [step("run_members", "failed")] };
  const plan = planRetry(group, { revision: 0, kept: [] });
  const told = { ...story(), plan, members, job: group };
  expect(words(told)).toEqual([
    [
      ...["run_members", "run"],
      "It failed here. 2 of 8 members are done and stay; 3 run again, 1 has not been begun, 2 run already.",
    ],
  ]);
  expect(countWork(told)).toEqual({ reuse: { steps: 0, members: 2 }, run_again: { steps: 1, members: 4 } });
});

it("names no more than twenty members of a thousand", () => {
  const all = Array.from({ length: 1_000 }, (_, at) => ({ key: `m${at}`, status: "failed" as const, refused: null }));
  const { again } = foretellMembers(all);
  expect([again.count, again.keys.length, again.keys.at(-1)]).toEqual([1_000, 20, "m19"]);
});

it("says why it begins earlier", () => {
  const from = (told: RetryStory) => words(told)[0];
  expect(from(story({ revision: 4 }))).toEqual(["fetch", "run", "The draft was edited since this step had finished."]);
  expect(from(story({ keeps: false }))).toEqual(["fetch", "run", "What it yielded was not kept."]);
  expect(from(story({ wanted: "fetch" }))).toEqual(["fetch", "run", "It was asked to begin here."]);
});
