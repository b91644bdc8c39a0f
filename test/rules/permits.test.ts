/** The numbers of permits in the table of job types. */
import { expect, test } from "vitest";
import { runStartOf } from "../../contract/job-start.ts";
import { QUEUES } from "../../contract/job-type-definition.ts";
import { definitionOf, JOB_TYPES, isJobType, type JobType } from "../../contract/job-types.ts";

const definitions = (Object.keys(JOB_TYPES) as JobType[]).map(definitionOf);

test.each(QUEUES)("the types that share the queue %s have one number of permits", (queue) => {
  const numbers = definitions
    .filter(({ task_queue }) => task_queue === queue)
    .flatMap(({ capabilities: { throttled } }) => (throttled === null ? [] : [throttled]));
  expect(new Set(numbers).size).toBeLessThanOrEqual(1);
  for (const number of numbers) expect(number).toBeGreaterThanOrEqual(1);
});

test.each(Object.keys(JOB_TYPES) as JobType[])(
  "a run of %s may take what the type says, and a week in line",
  (job_type) => {
    const { capabilities, timeout_seconds } = definitionOf(job_type);
    const about = { tenant: "harbour", project: null, version: null, environment: null, started_by: "Ada" };
    const input = { job_id: "j", generation: 1, ...about };
    const options = { job_type, workflow_id: "w", title: null, priority: 3, input };
    const { run_timeout_seconds } = runStartOf(options, { taskQueuePrefix: "" });
    const line = capabilities.throttled === null ? 0 : 7 * 86_400;
    expect(run_timeout_seconds).toBe(timeout_seconds + line);
  },
);

test("no throttled type waits for children that need a permit of its own queue: with its permits all with parents none would begin", () => {
  const waitsForItself = definitions
    .filter(({ capabilities }) => capabilities.throttled !== null)
    .filter(({ child_types, task_queue }) =>
      child_types.some(
        (child) =>
          isJobType(child) &&
          definitionOf(child).task_queue === task_queue &&
          definitionOf(child).capabilities.throttled !== null,
      ),
    );
  expect(waitsForItself).toEqual([]);
});
