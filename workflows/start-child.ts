/** Starts a job as a child workflow, in the very words in which a gateway starts one. */
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
  type Workflow,
} from "@temporalio/workflow";
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  WorkflowExecutionAlreadyStartedError,
  type SearchAttributePair,
} from "@temporalio/common";
import { runStartOf, type Installation, type RunStart, type StartOptions } from "../contract/job-start.ts";
import { JOB_URL_MEMO } from "../contract/messages.ts";
import { definitionOf, type JobType } from "../contract/job-types.ts";

/**
 * Null when its workflow is there already, open or closed: an earlier run of this one started it, or the reconciler did. It lives on
 * whatever becomes of this run, and no cancel reaches it from here: a job is cancelled by its row, so that it has a receipt.
 */
export async function startAsChild(
  parent: JobType,
  options: StartOptions,
): Promise<ChildWorkflowHandle<Workflow> | null> {
  const run = runStartOf(options, ownInstallation(parent));
  try {
    return await CancellationScope.nonCancellable(() =>
      startChild(run.workflow, {
        workflowId: run.workflow_id,
        taskQueue: run.task_queue,
        args: [run.input],
        workflowIdReusePolicy: run.reuse,
        workflowRunTimeout: `${run.run_timeout_seconds} seconds`,
        priority: run.priority,
        memo: run.memo,
        typedSearchAttributes: run.search_attributes.map(searchAttribute),
        staticSummary: run.summary,
        staticDetails: run.details,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.ABANDON,
      }),
    );
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}

/** What the gateway that started this run knew of the installation, by what it gave it. */
function ownInstallation(type: JobType): Installation {
  const { taskQueue, memo } = workflowInfo();
  const url = memo?.[JOB_URL_MEMO];
  return {
    taskQueuePrefix: taskQueue.slice(0, taskQueue.length - definitionOf(type).task_queue.length),
    publicUrl: typeof url === "string" ? url.replace(/\/jobs\/[^/]*$/, "") : undefined,
  };
}

const searchAttribute = ({ name, type, value }: RunStart["search_attributes"][number]): SearchAttributePair =>
  type === "Int"
    ? { key: defineSearchAttributeKey(name, SearchAttributeType.INT), value: Number(value) }
    : { key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value: String(value) };
