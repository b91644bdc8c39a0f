/** The numbers of permits in the table of job types. */
import { expect, test } from "vitest";
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
