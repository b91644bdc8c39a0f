import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { JobRecord } from "../../src/jobs/job-queries-store.ts";
import { createSecondOpinions, newAsking } from "../../src/jobs/second-opinion.ts";
import { createLog } from "../../src/log.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("a job whose row cannot be brought up, because a store hangs, keeps no other job from being asked", async () => {
  const asked: string[] = [];
  const reconciled: string[] = [];
  const opinions = createSecondOpinions({
    executions: {
      async queryProgress(workflowId) {
        asked.push(workflowId);
        return { kind: "closed" };
      },
      describe: async () => null,
    },
    reconcile(jobId) {
      reconciled.push(jobId);
      return new Promise(() => undefined);
    },
    ...{ silentMs: 1_000, databaseAway: () => false, now: () => Date.now(), log: createLog("test", "silent") },
  });
  const ask = (id: string): void => {
    const job = { id, workflow_id: id, run_id: "F", status: "running", progress: 0, steps: [] } as unknown as JobRecord;
    opinions.ask(job, newAsking(), () => undefined);
  };
  for (let job = 1; job <= 10; job++) ask(`hangs-${job}`);
  ask("other");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).not.toContain("other");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toContain("other");
  // Nor is one brought up a second time while the first is under way.
  ask("hangs-1");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked.filter((id) => id === "hangs-1")).toHaveLength(2);
  expect(reconciled.filter((id) => id === "hangs-1")).toHaveLength(1);
});
