/** Workers of several task queues that run their workflows in one thread. */
import { Worker, type Logger } from "@temporalio/worker";
// Types of the method that is overridden; the package's index does not name them.
import type { CompiledWorkerOptions } from "@temporalio/worker/lib/worker-options.js";
import type { WorkflowCreator } from "@temporalio/worker/lib/workflow/interface.js";
import type { WorkflowBundleWithSourceMapAndFilename } from "@temporalio/worker/lib/workflow/workflow-worker-thread/input.js";

/**
 * A class of workers that share a thread, made by the first of them and ended by the last; all of them have the same bundle and activities.
 * Each worker would start one of its own, with another copy of the SDK and of the bundle: 35 MB each, 140 MB for five queues. Workflow code
 * takes some milliseconds a task, so one thread serves the process as it did when there was one queue.
 */
export function workersOfOneThread(): typeof Worker {
  let users = 0;
  let shared: Promise<WorkflowCreator> | undefined;
  return class OneThreadWorker extends Worker {
    protected static override async createWorkflowCreator(
      bundle: WorkflowBundleWithSourceMapAndFilename,
      options: CompiledWorkerOptions,
      logger: Logger,
    ): Promise<WorkflowCreator> {
      users += 1;
      shared ??= super.createWorkflowCreator(bundle, options, logger);
      const creator = await shared;
      return {
        createWorkflow: (workflow) => creator.createWorkflow(workflow),
        async destroy() {
          users -= 1;
          if (users === 0) await creator.destroy();
        },
      };
    }
  };
}
