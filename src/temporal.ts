/** Temporal's client side: connect, start by name, describe, cancel. The only place that knows Temporal's raw answers. */
import {
  Client,
  Connection,
  isGrpcServiceError,
  QueryRejectedError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from "@temporalio/client";
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from "@temporalio/common";
import { JOB_URL_MEMO, PROGRESS_QUERY, SEARCH_ATTRIBUTES } from "../contract/messages.ts";
import type { WorkflowProgress } from "../contract/progress.ts";
import { JOB_TYPES, type JobType } from "../contract/job-types.ts";
import type { PublishInput } from "../contract/publish.ts";
import { findCancelRequested, type CancelRequested } from "./temporal-requests.ts";

/** What `describe` tells of the current run of a workflow id. */
export interface Execution {
  run_id: string;
  open: boolean;
  /** Temporal's word: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED, TIMED_OUT. */
  status: string;
  /** Run ids differ only after a reset (or continue-as-new, which publishing does not use). */
  reset: boolean;
  /** Generation that the run was started for (memo). */
  generation: number;
  /** What its activity said last, by its heartbeat; null when none is running or none has said anything. */
  heartbeat?: HeartbeatProgress | null;
}

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

/** The part of Temporal that the publish protocol needs. */
export interface Executions {
  /** Starts the run for a generation; `already_started` is as good as started. */
  start(options: {
    job_type: JobType;
    workflow_id: string;
    input: PublishInput;
  }): Promise<"started" | "already_started">;
  describe(workflowId: string): Promise<Execution | null>;
  /** Cancels exactly that run; false when it is not the current one or has ended. */
  cancel(workflowId: string, runId: string): Promise<boolean>;
  /** Who has asked that run to cancel, wherever that was; null when nobody has, or the run is gone. */
  cancelRequested(workflowId: string, runId: string): Promise<CancelRequested | null>;
  /** What the open workflow says of itself; never rejects, 2 s at most. */
  queryProgress(workflowId: string): Promise<ProgressAnswer>;
  /** Is Temporal's frontend there? Rejects with the reason; 2 s at most. */
  ping(): Promise<void>;
}

const SECOND_OPINION_MS = 2_000;

const keyword = (name: string, value: string): SearchAttributePair => ({
  key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
  value,
});

export function taskQueue(jobType: JobType, prefix: string): string {
  return `${prefix}${JOB_TYPES[jobType].task_queue}`;
}

/** Lazy: the first call connects, so a gateway starts while Temporal is down. */
export function createTemporalClient(options: { address: string; namespace: string }): Client {
  const connection = Connection.lazy({ address: options.address });
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
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    client.connection.withDeadline(Date.now() + (options.deadlineMs ?? 5_000), call);
  return {
    async start({ job_type, workflow_id, input }) {
      const url = options.publicUrl && `${options.publicUrl.replace(/\/+$/, "")}/jobs/${input.job_id}`;
      try {
        await within(() =>
          client.workflow.start(JOB_TYPES[job_type].workflow, {
            workflowId: workflow_id,
            taskQueue: taskQueue(job_type, options.taskQueuePrefix),
            args: [input],
            // A closed run of generation 1 is never started again; a retry's generation is.
            workflowIdReusePolicy: input.generation === 1 ? "REJECT_DUPLICATE" : "ALLOW_DUPLICATE",
            workflowIdConflictPolicy: "FAIL",
            memo: { job_id: input.job_id, generation: input.generation, ...(url ? { [JOB_URL_MEMO]: url } : {}) },
            typedSearchAttributes: [
              keyword(SEARCH_ATTRIBUTES.project, input.project),
              {
                key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.version, SearchAttributeType.INT),
                value: input.version,
              },
              keyword(SEARCH_ATTRIBUTES.environment, input.environment),
              keyword(SEARCH_ATTRIBUTES.job_type, job_type),
              keyword(SEARCH_ATTRIBUTES.tenant, input.tenant),
              keyword(SEARCH_ATTRIBUTES.started_by, input.started_by),
            ],
            staticSummary: `${input.project} v${input.version} → ${input.environment}, by ${input.started_by}`,
            staticDetails: [
              `**Publish ${input.project} version ${input.version} to ${input.environment}**`,
              `started by ${input.started_by} (tenant ${input.tenant}), job ${url ? `[${input.job_id}](${url})` : input.job_id}, generation ${input.generation}`,
            ].join("\n\n"),
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
        const found = await within(() => client.workflow.getHandle(workflowId).describe());
        const firstRunId = found.raw.workflowExecutionInfo?.firstRunId;
        return {
          run_id: found.runId,
          open: found.status.name === "RUNNING",
          status: found.status.name,
          reset: Boolean(firstRunId) && firstRunId !== found.runId,
          generation: Number(found.memo?.["generation"] ?? 1),
          heartbeat: heartbeatOf(found.raw.pendingActivities?.at(-1)?.heartbeatDetails?.payloads?.at(0)?.data),
        };
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
    cancelRequested: (workflowId, runId) => within(() => findCancelRequested(client, { workflowId, runId })),
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

/** Details that are not ours, or of another version, say nothing. */
function heartbeatOf(data: Uint8Array | null | undefined): HeartbeatProgress | null {
  if (!data) return null;
  try {
    const { step, percent, message } = JSON.parse(Buffer.from(data).toString()) as Partial<HeartbeatProgress>;
    if (typeof step !== "string" || typeof percent !== "number" || typeof message !== "string") return null;
    return { step, percent, message };
  } catch {
    return null;
  }
}
