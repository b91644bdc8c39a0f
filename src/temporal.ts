/** Temporal's client side: connect, start by name, describe, cancel. The only place that knows Temporal's raw answers. */
import { Client, Connection, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from "@temporalio/client";
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from "@temporalio/common";
import { PROGRESS_QUERY, SEARCH_ATTRIBUTES } from "../contract/messages.ts";
import type { WorkflowProgress } from "../contract/progress.ts";
import { JOB_TYPES, type JobType } from "../contract/job-types.ts";
import type { PublishInput } from "../contract/publish.ts";

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
}

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
  /** What the open workflow says of itself; null when it cannot say (closed, no worker, Temporal away). 2 s at most. */
  queryProgress(workflowId: string): Promise<WorkflowProgress | null>;
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

/** `deadlineMs`: how long one call may take (5 s by default). */
export function createExecutions(
  client: Client,
  options: { taskQueuePrefix: string; deadlineMs?: number },
): Executions {
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    client.connection.withDeadline(Date.now() + (options.deadlineMs ?? 5_000), call);
  return {
    async start({ job_type, workflow_id, input }) {
      try {
        await within(() =>
          client.workflow.start(JOB_TYPES[job_type].workflow, {
            workflowId: workflow_id,
            taskQueue: taskQueue(job_type, options.taskQueuePrefix),
            args: [input],
            // A closed run of generation 1 is never started again; a retry's generation is.
            workflowIdReusePolicy: input.generation === 1 ? "REJECT_DUPLICATE" : "ALLOW_DUPLICATE",
            workflowIdConflictPolicy: "FAIL",
            memo: { job_id: input.job_id, generation: input.generation },
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
              `started by ${input.started_by} (tenant ${input.tenant}), job ${input.job_id}, generation ${input.generation}`,
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
    async queryProgress(workflowId) {
      // A query needs a worker and is only ever a second opinion: whatever goes wrong, the row is what there is.
      return client.connection
        .withDeadline(Date.now() + SECOND_OPINION_MS, () =>
          client.workflow.getHandle(workflowId).query<WorkflowProgress>(PROGRESS_QUERY),
        )
        .catch(() => null);
    },
    async ping() {
      await client.connection.withDeadline(Date.now() + SECOND_OPINION_MS, () =>
        client.workflowService.getSystemInfo({}),
      );
    },
  };
}
