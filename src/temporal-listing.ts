/**
 * What is listed rather than asked one by one: Temporal's visibility and its task queues. On the dev server (SQLite) and with PostgreSQL a
 * change is listed some milliseconds after it happened; with Elasticsearch a second or two later.
 */
import type { Client } from "@temporalio/client";
import type { Queue } from "../contract/job-type-definition.ts";
import { JOB_TYPES, type JobType } from "../contract/job-types.ts";
import { momentOf } from "./temporal-describe.ts";
import type { Executions, ListedRun, ListPage } from "./temporal.ts";

type Within = <T>(call: () => Promise<T>) => Promise<T>;
type Listed = NonNullable<
  Awaited<ReturnType<Client["workflowService"]["listWorkflowExecutions"]>>["executions"]
>[number];

/** The most that the server puts into a page. */
const PAGE = 1_000;
const RUNNING = 1;
/** Of `temporal.api.enums.v1.TaskQueueType`. */
const [WORKFLOW_TASKS, ACTIVITY_TASKS] = [1, 2];
/**
 * A poll is a minute long, and the server remembers for five minutes who polled: whoever has not come back for this long is gone. Told by
 * when the newest poll changes, never by its time: the clocks of two machines differ.
 */
const POLL_MS = 75_000;

export const queueName = (queue: Queue, prefix: string): string => `${prefix}${queue}`;

export const taskQueue = (jobType: JobType, prefix: string): string => queueName(JOB_TYPES[jobType].task_queue, prefix);

/** `prefix`: of the task queues; runs of other installations in the namespace are not listed. */
export function createListings(
  client: Client,
  within: Within,
  prefix: string,
): Pick<Executions, "listChanged" | "countOpen" | "listOpen" | "listPaused" | "polling"> {
  const types = Object.keys(JOB_TYPES) as JobType[];
  const queues = [...new Set(types.map((type) => taskQueue(type, prefix)))];
  const ours = `TaskQueue in (${queues.map((queue) => `'${queue}'`).join(", ")})`;

  async function page(
    condition: string,
    after: ListPage | null,
  ): Promise<{ runs: ListedRun[]; next: ListPage | null }> {
    const { executions, nextPageToken } = await within(() =>
      client.workflowService.listWorkflowExecutions({
        namespace: client.options.namespace,
        query: `${condition} and ${ours}`,
        pageSize: PAGE,
        ...(after ? { nextPageToken: after } : {}),
      }),
    );
    const next = nextPageToken && nextPageToken.length > 0 ? nextPageToken : null;
    return { runs: (executions ?? []).flatMap(runOf), next };
  }
  async function* pages(condition: string): AsyncGenerator<ListedRun[]> {
    for (let after: ListPage | null = null; ;) {
      const { runs, next } = await page(condition, after);
      yield runs;
      if (!next) return;
      after = next;
    }
  }
  const newest = new Map<string, { polled: number; noticed: number }>();
  async function isPolled(queue: string, taskQueueType: number): Promise<boolean> {
    const { pollers } = await within(() =>
      client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: queue },
        taskQueueType,
      }),
    );
    const key = `${taskQueueType}/${queue}`;
    if (!pollers || pollers.length === 0) return false;
    const polled = Math.max(...pollers.map(({ lastAccessTime }) => momentOf(lastAccessTime) ?? 0));
    const known = newest.get(key);
    if (known?.polled !== polled) newest.set(key, { polled, noticed: performance.now() });
    return known?.polled !== polled || performance.now() - known.noticed < POLL_MS;
  }
  return {
    async *listChanged(since) {
      const moment = new Date(since).toISOString();
      // Two listings instead of one with `or`: with PostgreSQL each walks an index, the one with `or` walks the namespace.
      yield* pages(`ExecutionStatus = 'Running' and StartTime >= '${moment}'`);
      // Where visibility is in SQL, a run that is open has closed later than all others.
      yield* pages(`ExecutionStatus != 'Running' and CloseTime >= '${moment}'`);
    },
    async countOpen() {
      const { count } = await within(() =>
        client.workflowService.countWorkflowExecutions({
          namespace: client.options.namespace,
          query: `ExecutionStatus = 'Running' and ${ours}`,
        }),
      );
      return Number(count ?? 0);
    },
    listOpen: (after) => page(`ExecutionStatus = 'Running'`, after),
    async listPaused() {
      const { runs } = await page(`ExecutionStatus = 'Running' and TemporalPauseInfo is not null`, null);
      return runs;
    },
    async polling(jobType) {
      const queue = taskQueue(jobType, prefix);
      try {
        const polled = await Promise.all([WORKFLOW_TASKS, ACTIVITY_TASKS].map((type) => isPolled(queue, type)));
        return polled.every(Boolean) ? "somebody" : "nobody";
      } catch {
        return "unknown";
      }
    },
  };
}

function runOf(info: Listed): ListedRun[] {
  const { workflowId, runId } = info.execution ?? {};
  if (!workflowId || !runId) return [];
  return [
    {
      workflow_id: workflowId,
      run_id: runId,
      open: Number(info.status) === RUNNING,
      started_at: momentOf(info.startTime) ?? 0,
      closed_at: momentOf(info.closeTime),
    },
  ];
}
