/**
 * Permits: at most so many jobs of throttled types run at a time for one tenant on one queue. A type without a number in the table needs
 * none. The number is the queue's: types that share a queue say the same (test/rules/permits.test.ts).
 */
import type { Queue } from "./job-type-definition.ts";
import { definitionOf, JOB_TYPES, type JobType } from "./job-types.ts";

export const isThrottled = (type: JobType): boolean => definitionOf(type).capabilities.throttled !== null;

/** The queues that have permits, each with how many a tenant has there; an unlucky table with two numbers for a queue means the lower. */
export function permitsByQueue(): ReadonlyMap<Queue, number> {
  const permits = new Map<Queue, number>();
  for (const type of Object.keys(JOB_TYPES) as JobType[]) {
    const { task_queue, capabilities } = definitionOf(type);
    if (capabilities.throttled === null) continue;
    permits.set(task_queue, Math.min(capabilities.throttled, permits.get(task_queue) ?? Infinity));
  }
  return permits;
}
