/** Histories in Temporal: the events of one run page by page, the runs of a job, the workflows of our types. */
import { isGrpcServiceError, type Client, type WorkflowExecutionInfo } from "@temporalio/client";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { WORKFLOWS } from "../../contract/workflows.ts";
import { isoOf } from "../temporal-describe.ts";
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
  /** Workflows of ours, the runs of schedules too: all that are open, then those that closed since. */
  recent(since: Date): AsyncGenerator<WorkflowRun>;
  /** Is the frontend there? Rejects with the reason. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Of one call; a page is 4 MB at most. */
const DEADLINE_MS = 5_000;
const PING_MS = 2_000;
/** Of a page: one slow answer among thousands must not end a gate that would begin again from the start. */
const TRIES = 3;
const LIST_PAGE = 100;
const NOT_FOUND = 5;
/** What Temporal says of a run id that is no UUID. */
const INVALID_ARGUMENT = 3;
/** Too late, too much at once, not there: by the numbers of gRPC. */
const PASSING = [4, 8, 14];
/** `temporal.api.enums.v1.WorkflowExecutionStatus`, in the SDK's words. */
const STATUSES = [
  ...["UNSPECIFIED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "TERMINATED", "CONTINUED_AS_NEW", "TIMED_OUT"],
  "PAUSED",
] as const;

/** Connects at the first use. */
export function createHistories(options: {
  address: string;
  namespace: string;
  /** Events a page; the server's own default, some hundred, unless it is named. */
  pageSize?: number;
  /** How long one call may take. */
  deadlineMs?: number;
}): Histories {
  const client = createTemporalClient(options);
  const within = <T>(call: () => Promise<T>, ms = options.deadlineMs ?? DEADLINE_MS): Promise<T> =>
    client.connection.withDeadline(Date.now() + ms, call);
  async function patiently<T>(call: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await within(call);
      } catch (error) {
        if (tried === TRIES || !isGrpcServiceError(error) || !PASSING.includes(error.code)) throw error;
      }
    }
  }
  const { namespace } = options;

  /** Not the SDK's own list: after an error that has ended, as if there were no more. */
  async function* list(query: string, call: typeof within): AsyncGenerator<WorkflowRun> {
    let nextPageToken: Uint8Array | null | undefined;
    do {
      const page = await call(() =>
        client.workflowService.listWorkflowExecutions({
          ...{ namespace, query, pageSize: LIST_PAGE },
          ...(nextPageToken ? { nextPageToken } : {}),
        }),
      );
      for (const listed of page.executions ?? []) yield listedRun(listed);
      nextPageToken = page.nextPageToken;
    } while (nextPageToken && nextPageToken.length > 0);
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
        const page = await patiently(() =>
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
      for await (const run of list(`WorkflowId = "${workflowId}"`, within)) found.push(run);
      return found;
    },
    async *recent(since) {
      const ours = `WorkflowType in (${WORKFLOWS.map((name) => `"${name}"`).join(", ")})`;
      yield* list(`${ours} and ExecutionStatus = "Running"`, patiently);
      // A time of closing that is not there counts as the latest where visibility is in SQL.
      yield* list(`${ours} and ExecutionStatus != "Running" and CloseTime > "${since.toISOString()}"`, patiently);
    },
    async ping() {
      await within(() => client.workflowService.getSystemInfo({}), PING_MS);
    },
    async close() {
      await client.connection.close();
    },
  };
}

type Described = Pick<
  WorkflowExecutionInfo,
  "workflowId" | "runId" | "status" | "startTime" | "closeTime" | "historyLength"
>;
type Listed = NonNullable<
  Awaited<ReturnType<Client["workflowService"]["listWorkflowExecutions"]>>["executions"]
>[number];

function runOf({ workflowId, runId, status, startTime, closeTime, historyLength }: Described): WorkflowRun {
  return {
    workflow_id: workflowId,
    run_id: runId,
    status: status.name,
    started_at: startTime.toISOString(),
    closed_at: closeTime?.toISOString() ?? null,
    length: historyLength || null,
  };
}

function listedRun({ execution, status, startTime, closeTime, historyLength }: Listed): WorkflowRun {
  return {
    workflow_id: execution?.workflowId ?? "",
    run_id: execution?.runId ?? "",
    status: STATUSES[Number(status)] ?? "UNKNOWN",
    started_at: isoOf(startTime) ?? "",
    closed_at: isoOf(closeTime),
    length: Number(historyLength) || null,
  };
}

const causesOf = (error: unknown): unknown[] => [error, (error as { cause?: unknown } | null)?.cause];
const hasCode = (error: unknown, code: number): boolean =>
  causesOf(error).some((each) => isGrpcServiceError(each) && (each.code as number) === code);

/** Not there: deleted, or never was. A call that is refused for what it asks is another matter. */
export function isGone(error: unknown): boolean {
  const isNamed = causesOf(error).some((each) => (each as Error | null)?.name === "WorkflowNotFoundError");
  return isNamed || hasCode(error, NOT_FOUND);
}

/** The same, or no id at all. */
const isUnknown = (error: unknown): boolean => isGone(error) || hasCode(error, INVALID_ARGUMENT);
