/** A worker with few slots whose only activity is told what it is to wait for: bulk jobs, by the product's own start and options. */
import { fileURLToPath } from "node:url";
import { Context } from "@temporalio/activity";
import type { Priority } from "@temporalio/common";
import { NativeConnection, Worker } from "@temporalio/worker";
import type { StepInput } from "../../contract/job-input.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { createExecutions, taskQueue } from "../../src/temporal.ts";
import { workerSettings } from "../../src/worker/create-worker.ts";
import { v7 as uuidv7 } from "uuid";
import type { Publishing } from "./publishing.ts";

/** One activity, as it began. */
export interface Begun {
  job: string;
  tenant: string;
  priority: Priority | undefined;
}

export interface BulkWorker {
  /** In order. */
  begun: Begun[];
  /** Starts a job of the type maintenance as the gateway does; answers its id. */
  start(tenant: string, priority?: number): Promise<string>;
  stop(): Promise<void>;
}

/** `work`: what an activity does; the next one begins when it is done, as far as there are slots. */
export async function startBulkWorker(
  room: Publishing,
  options: { slots: number; work: (begun: Begun) => Promise<void> },
): Promise<BulkWorker> {
  const begun: Begun[] = [];
  const connection = await NativeConnection.connect({ address: room.temporal.address });
  const worker = await Worker.create({
    ...workerSettings({ ...room.config, PLATEN_WORKER_CONCURRENCY: String(options.slots) }, "maintenance"),
    ...{ connection, taskQueue: taskQueue("maintenance", room.temporal.taskQueuePrefix) },
    workflowsPath: fileURLToPath(new URL("bulk-workflows.ts", import.meta.url)),
    activities: {
      async sweep({ job, target }: StepInput) {
        const one = { job: job.job_id, tenant: target.tenant, priority: Context.current().info.priority };
        begun.push(one);
        await options.work(one);
      },
    },
  });
  const running = worker.run();
  const executions = createExecutions(room.temporal.client, { taskQueuePrefix: room.temporal.taskQueuePrefix });
  return {
    begun,
    async start(tenant, priority = 3) {
      const job_id = uuidv7();
      const target = { tenant, project: null, version: null, environment: null };
      const input = { ...{ job_id, generation: 1, started_by: "Ada" }, ...target };
      const workflow_id = workflowId("maintenance", job_id);
      await executions.start({ job_type: "maintenance", workflow_id, title: null, priority, input });
      return job_id;
    },
    async stop() {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
