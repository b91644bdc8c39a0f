/**
 * Temporal's client side: connect, start by name, describe, list, cancel, terminate. Only this file and its siblings
 * (`temporal-describe.ts`, `temporal-history.ts`, `temporal-listing.ts`, `temporal-requests.ts`) know Temporal's raw answers; everyone imports from here.
 */
import {
  Client,
  Connection,
  isGrpcServiceError,
  QueryRejectedError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from "@temporalio/client";
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from "@temporalio/common";
import { PERMIT_SIGNAL, PROGRESS_QUERY } from "../contract/messages.ts";
import { runStartOf, type RunStart, type StartOptions } from "../contract/job-start.ts";
import type { WorkflowProgress } from "../contract/progress.ts";
import type { FailureCode } from "../contract/failures.ts";
import type { JobType } from "../contract/job-types.ts";
import { findCancelRequested, type CancelRequested } from "./temporal-requests.ts";
import { executionOf } from "./temporal-describe.ts";
import { createHistories } from "./temporal-history.ts";
import { createListings } from "./temporal-listing.ts";
import { createTemporalSchedules, type TemporalSchedules } from "./temporal-schedules.ts";

/** What `describe` tells of the current run of a workflow id. */
export interface Execution {
  run_id: string;
  open: boolean;
  /** Temporal's word: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED, TIMED_OUT. */
  status: string;
  /** Its id is not the chain's first: it came from a reset, or continued as new. `segment` tells the two apart. */
  reset: boolean;
  /** Generation that the run was started for (memo). */
  generation: number;
  /** Number of the run in a chain that continued as new (memo), from 0; absent: 0. */
  segment?: number;
  /** What its activity said last, by its heartbeat; null when none is running or none has said anything. */
  heartbeat?: HeartbeatProgress | null;
  /** The activity that runs or runs next; null while none is. */
  activity?: PendingActivity | null;
  /** The workflow task that waits for a worker or is with one; null while none is. */
  workflow_task?: PendingWorkflowTask | null;
  /** Seconds that it may take; null for any time. */
  limits?: { run_seconds: number | null; execution_seconds: number | null };
}

/**
 * `scheduled`: waits for a worker, or for its next attempt. `paused`: by an operator; an attempt that was running then ends with its next
 * heartbeat.
 */
export interface PendingActivity {
  /** Temporal's name of it, e.g. `verifyTiles`. */
  name: string;
  /** From 1, and again from 1 when an operator resets it. */
  attempt: number;
  state: "scheduled" | "started" | "paused" | "cancel_requested";
  /** ISO 8601; null while one runs, waits for a worker, or is paused. */
  next_attempt_at: string | null;
  /** Who paused it and why, as far as Temporal knows; null when it is not paused. */
  paused: { by: string | null; reason: string | null } | null;
}

export interface PendingWorkflowTask {
  /** From 1; a task that fails is tried again, the first time at once, then after 10 s, 20 s, … */
  attempt: number;
  /** ISO 8601: when this attempt was scheduled. */
  since: string | null;
}

/** How a closed run ended, by the last event of its history. */
export type Closing =
  | { kind: "terminated"; by: string | null; reason: string | null }
  | { kind: "timed_out"; limit: "run" | "execution" }
  /** `code`: of `contract/failures.ts`, where the failure is one of ours. */
  | { kind: "failed"; code: FailureCode | null; message: string }
  | { kind: "other" };

/** Why a workflow task fails over and over. */
export interface TaskTrouble {
  /** ISO 8601: when it failed first; null where the history does not tell. */
  since: string | null;
  /** Temporal's word, e.g. `NON_DETERMINISTIC_ERROR`; `TIMED_OUT` where no worker has answered. */
  cause: string;
  message: string;
}

/** A run as Temporal's visibility lists it. */
export interface ListedRun {
  workflow_id: string;
  run_id: string;
  open: boolean;
  /** ms since the epoch by the server's clock; a reset's run starts when the reset happens. */
  started_at: number;
  closed_at: number | null;
}

/** Who asks a task queue for work. `unknown`: Temporal did not say. */
export type Polling = "somebody" | "nobody" | "unknown";

/** The part of an activity's heartbeat details that watchers are told (`activities/report-progress.ts`). */
export interface HeartbeatProgress {
  step: string;
  /** Of the job, 0 to 100. */
  percent: number;
  message: string;
}

/**
 * What came of asking a workflow for its progress.
 *
 *   said    its answer
 *   closed  it has ended, or does not exist: whoever ended it writes the row
 *   busy    too many questions wait for it: ask later, not sooner
 *   silent  no worker answers for it
 *   away    Temporal itself cannot be reached
 */
export type ProgressAnswer =
  | { kind: "said"; progress: WorkflowProgress }
  | { kind: "closed" }
  | { kind: "busy" }
  | { kind: "silent" }
  | { kind: "away" };

/** Where a listing goes on; only Temporal knows what is in it. */
export type ListPage = Uint8Array;

/** The part of Temporal that the job protocol needs. */
export interface Executions {
  /** Starts the run for a generation; `already_started` is as good as started. */
  start(options: StartOptions): Promise<"started" | "already_started">;
  describe(workflowId: string): Promise<Execution | null>;
  /** Cancels exactly that run; false when it is not the current one or has ended. */
  cancel(workflowId: string, runId: string): Promise<boolean>;
  /** Tells the open run to look again whether it has its permit; a job without one hears nothing. */
  wake(workflowId: string): Promise<void>;
  /** Who has asked that run to cancel, wherever that was; null when nobody has, or the run is gone. */
  cancelRequested(workflowId: string, runId: string): Promise<CancelRequested | null>;
  /** Terminates exactly that run, which runs no code of ours; false when it has ended or is not there. */
  terminate(workflowId: string, runId: string, reason: string): Promise<boolean>;
  /** One call; null while it is open, or when Temporal does not know it. */
  closingOf(workflowId: string, runId: string): Promise<Closing | null>;
  /** One call; null when its task does not fail. */
  taskTroubleOf(workflowId: string, runId: string): Promise<TaskTrouble | null>;
  /** Names of the activities that a run has behind it, after a reset those before the reset's point; steps carried into it by a retry. */
  behindOf(workflowId: string, runId: string): Promise<{ activities: string[]; carried: string[] }>;
  /** Runs of our task queues that started or closed at `since` (ms, the server's clock) or later, page by page. */
  listChanged(since: number): AsyncIterable<ListedRun[]>;
  /** How many runs of ours are open: far cheaper than to list them. */
  countOpen(): Promise<number>;
  /** A page of our open runs; `next` is null after the last. */
  listOpen(after: ListPage | null): Promise<{ runs: ListedRun[]; next: ListPage | null }>;
  /** Open runs of ours with a paused activity, 1,000 at most. */
  listPaused(): Promise<ListedRun[]>;
  /** Does anybody ask for workflow tasks and activities of that job type? Never rejects. */
  polling(jobType: JobType): Promise<Polling>;
  /** What the open workflow says of itself; never rejects, 2 s at most. */
  queryProgress(workflowId: string): Promise<ProgressAnswer>;
  /** Temporal's schedules. */
  schedules: TemporalSchedules;
  /** Is Temporal's frontend there? Rejects with the reason; 2 s at most. */
  ping(): Promise<void>;
}

const SECOND_OPINION_MS = 2_000;

const searchAttribute = ({ name, type, value }: RunStart["search_attributes"][number]): SearchAttributePair =>
  type === "Int"
    ? { key: defineSearchAttributeKey(name, SearchAttributeType.INT), value: Number(value) }
    : { key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value: String(value) };

export type { StartOptions } from "../contract/job-start.ts";
export { queueName, taskQueue } from "./temporal-listing.ts";

/** Lazy: the first call connects, so a gateway starts while Temporal is down. */
export function createTemporalClient(options: { address: string; namespace: string }): Client {
  const connection = Connection.lazy({
    address: options.address,
    // When it is back that is noticed within a second; by default the pauses between two attempts grow to two minutes.
    channelArgs: { "grpc.initial_reconnect_backoff_ms": 200, "grpc.max_reconnect_backoff_ms": 1_000 },
  });
  return new Client({ connection, namespace: options.namespace, workflow: { queryRejectCondition: "NOT_OPEN" } });
}

/**
 * `deadlineMs`: how long one call may take (5 s by default). `publicUrl`: where people reach the gateway, so that they get from a
 * workflow to its job; without it there is no link.
 */
export function createExecutions(
  client: Client,
  options: { taskQueuePrefix: string; deadlineMs?: number; publicUrl?: string },
): Executions {
  const installation = { taskQueuePrefix: options.taskQueuePrefix, publicUrl: options.publicUrl };
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    client.connection.withDeadline(Date.now() + (options.deadlineMs ?? 5_000), call);
  return {
    async start(options) {
      const run = runStartOf(options, installation);
      try {
        await within(() =>
          client.workflow.start(run.workflow, {
            workflowId: run.workflow_id,
            taskQueue: run.task_queue,
            args: [run.input],
            workflowIdReusePolicy: run.reuse,
            workflowIdConflictPolicy: "FAIL",
            workflowRunTimeout: `${run.run_timeout_seconds} seconds`,
            priority: run.priority,
            memo: run.memo,
            typedSearchAttributes: run.search_attributes.map(searchAttribute),
            staticSummary: run.summary,
            staticDetails: run.details,
          }),
        );
        return "started";
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return "already_started";
        throw error;
      }
    },
    async describe(workflowId) {
      try {
        return executionOf(await within(() => client.workflow.getHandle(workflowId).describe()));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },
    async cancel(workflowId, runId) {
      try {
        await within(() => client.workflow.getHandle(workflowId, runId).cancel());
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
    async wake(workflowId) {
      try {
        await within(() => client.workflow.getHandle(workflowId).signal(PERMIT_SIGNAL));
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
    cancelRequested: (workflowId, runId) => within(() => findCancelRequested(client, { workflowId, runId })),
    async terminate(workflowId, runId, reason) {
      try {
        await within(() => client.workflow.getHandle(workflowId, runId).terminate(reason));
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
    schedules: createTemporalSchedules(client, within, options.taskQueuePrefix),
    ...createHistories(client, within),
    ...createListings(client, within, options.taskQueuePrefix),
    async queryProgress(workflowId) {
      // A query needs a worker and is only ever a second opinion: whatever goes wrong, the row is what there is.
      try {
        const progress = await client.connection.withDeadline(Date.now() + SECOND_OPINION_MS, () =>
          client.workflow.getHandle(workflowId).query<WorkflowProgress>(PROGRESS_QUERY),
        );
        return { kind: "said", progress };
      } catch (error) {
        return { kind: silenceOf(error) };
      }
    },
    async ping() {
      await client.connection.withDeadline(Date.now() + SECOND_OPINION_MS, () =>
        client.workflowService.getSystemInfo({}),
      );
    },
  };
}

const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;

/** Why a query was not answered. A frontend that answers that nobody polls (FAILED_PRECONDITION), or waits in vain, is there itself. */
function silenceOf(error: unknown): "closed" | "busy" | "silent" | "away" {
  if (error instanceof QueryRejectedError || error instanceof WorkflowNotFoundError) return "closed";
  const codes = [error, (error as { cause?: unknown } | null)?.cause]
    .filter(isGrpcServiceError)
    .map(({ code }) => code);
  if (codes.includes(RESOURCE_EXHAUSTED as never)) return "busy";
  if (codes.includes(DEADLINE_EXCEEDED as never) || codes.includes(FAILED_PRECONDITION as never)) return "silent";
  // The worker answered with an error (a workflow that cannot be replayed): as little as none.
  return codes.length > 0 ? "away" : "silent";
}
