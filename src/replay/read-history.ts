/** Histories in Temporal: the events of one run page by page, the runs of a job, the workflows of our types. */
import { isGrpcServiceError, type WorkflowExecutionInfo } from "@temporalio/client";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { createTemporalClient } from "../temporal.ts";
import type { History, HistoryEvent } from "./history.ts";

export interface WorkflowRun {
  workflow_id: string;
  run_id: string;
  /** Temporal's word: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED, TIMED_OUT. */
  status: string;
  started_at: string;
  closed_at: string | null;
  /** Number of events. */
  length: number | null;
}

export interface Histories {
  /** Of the current run, unless one is named. Null when Temporal does not know it, or not any more. */
  find(workflowId: string, runId?: string): Promise<WorkflowRun | null>;
  /** Never more than a page in memory, if the caller keeps none. Errors: gRPC's. */
  pages(run: { workflow_id: string; run_id: string }): AsyncGenerator<HistoryEvent[]>;
  /** All runs of a workflow id that Temporal still lists, newest first; a new one appears within a second. */
  runs(workflowId: string): Promise<WorkflowRun[]>;
  /** Workflows of our types: all that are open, then those that closed since. */
  recent(since: Date): AsyncGenerator<WorkflowRun>;
  /** Is the frontend there? Rejects with the reason. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Of one call; a page is 4 MB at most. */
const DEADLINE_MS = 5_000;
const PING_MS = 2_000;
const NOT_FOUND = 5;
/** What Temporal says of a run id that is no UUID. */
const INVALID_ARGUMENT = 3;

/** Connects at the first use. */
export function createHistories(options: {
  address: string;
  namespace: string;
  /** Events a page; the server's own default, some hundred, unless it is named. */
  pageSize?: number;
}): Histories {
  const client = createTemporalClient(options);
  const within = <T>(call: () => Promise<T>, ms = DEADLINE_MS): Promise<T> =>
    client.connection.withDeadline(Date.now() + ms, call);
  const { namespace } = options;

  async function* list(query: string): AsyncGenerator<WorkflowRun> {
    const listed = client.workflow.list({ query, pageSize: 100 })[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await within(() => listed.next());
      if (done) return;
      yield runOf(value);
    }
  }
  return {
    async find(workflowId, runId) {
      try {
        return runOf(await within(() => client.workflow.getHandle(workflowId, runId).describe()));
      } catch (error) {
        if (isUnknown(error)) return null;
        throw error;
      }
    },
    async *pages({ workflow_id, run_id }) {
      let nextPageToken: Uint8Array | undefined;
      do {
        const page = await within(() =>
          client.workflowService.getWorkflowExecutionHistory({
            namespace,
            execution: { workflowId: workflow_id, runId: run_id },
            ...(nextPageToken ? { nextPageToken } : {}),
            ...(options.pageSize === undefined ? {} : { maximumPageSize: options.pageSize }),
          }),
        );
        // The last page can be empty.
        if (page.history?.events?.length) yield (JSON.parse(historyToJSON(page.history)) as History).events;
        nextPageToken = page.nextPageToken;
      } while (nextPageToken && nextPageToken.length > 0);
    },
    async runs(workflowId) {
      const found: WorkflowRun[] = [];
      for await (const run of list(`WorkflowId = "${workflowId}"`)) found.push(run);
      return found;
    },
    async *recent(since) {
      const ours = `WorkflowType in (${Object.values(JOB_TYPES)
        .map(({ workflow }) => `"${workflow}"`)
        .join(", ")})`;
      yield* list(`${ours} and ExecutionStatus = "Running"`);
      yield* list(`${ours} and CloseTime > "${since.toISOString()}"`);
    },
    async ping() {
      await within(() => client.workflowService.getSystemInfo({}), PING_MS);
    },
    async close() {
      await client.connection.close();
    },
  };
}

type Listed = Pick<
  WorkflowExecutionInfo,
  "workflowId" | "runId" | "status" | "startTime" | "closeTime" | "historyLength"
>;

function runOf({ workflowId, runId, status, startTime, closeTime, historyLength }: Listed): WorkflowRun {
  return {
    workflow_id: workflowId,
    run_id: runId,
    status: status.name,
    started_at: startTime.toISOString(),
    closed_at: closeTime?.toISOString() ?? null,
    length: historyLength || null,
  };
}

/** Not there, never was, or no id at all; for `describe` as for the history. */
export function isUnknown(error: unknown): boolean {
  const causes = [error, (error as { cause?: unknown } | null)?.cause];
  return causes.some(
    (each) =>
      (each as Error | null)?.name === "WorkflowNotFoundError" ||
      (isGrpcServiceError(each) && [NOT_FOUND, INVALID_ARGUMENT].includes(each.code as number)),
  );
}
