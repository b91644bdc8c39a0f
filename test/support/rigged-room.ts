/** Everything a publish needs, with workers as processes whose steps can be held. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { createExecutions } from "../../src/temporal.ts";
import { buildBundle } from "../../src/worker/build-bundle.ts";
import { createPublishing, type Publishing, type PublishingOptions } from "./publishing.ts";
import { createRigs, type Rigs } from "./step-rigs.ts";
import { BUNDLE } from "./step-stores.ts";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";

/** In ms. */
export interface Timeouts {
  workflowExecutionTimeout?: number;
  workflowRunTimeout?: number;
}

export interface RiggedRoom extends Publishing {
  rigs: Rigs;
  /** Starts the workflow of a queued job. `prefix`: of another task queue than the room's own. */
  start(job: string, options?: { prefix?: string; timeouts?: Timeouts }): Promise<void>;
  /** On a queue of its own. `workflows`: path of what it runs instead of the product's. */
  worker(prefix: string, options?: { workflows?: string; concurrency?: number }): Promise<WorkerProcess>;
}

const ENTRY = fileURLToPath(new URL("step-worker.ts", import.meta.url));

/** A prefix that no other worker has. */
export const newPrefix = (): string => `rigged-${randomBytes(6).toString("hex")}-`;

/** No worker runs yet. The workers are killed with the room, and servers of its own are closed. */
export async function createRiggedRoom(options: PublishingOptions = {}): Promise<RiggedRoom> {
  const room = await createPublishing(options);
  const folder = await mkdtemp(join(tmpdir(), "platen-rigs-"));
  // Most of a worker's start otherwise.
  await writeFile(join(folder, BUNDLE), JSON.stringify(await buildBundle()));
  const workers: WorkerProcess[] = [];
  return {
    ...room,
    rigs: createRigs(folder),
    async start(job, { prefix = room.config.PLATEN_TASK_QUEUE_PREFIX, timeouts = {} } = {}) {
      const { client } = room.temporal;
      const start: typeof client.workflow.start = (workflow, given) =>
        client.workflow.start(workflow, { ...given, ...timeouts });
      const workflow = Object.create(client.workflow, { start: { value: start } }) as typeof client.workflow;
      const timed = Object.create(client, { workflow: { value: workflow } }) as typeof client;
      await startJob({ ...room.deps, executions: createExecutions(timed, { taskQueuePrefix: prefix }) }, job, 1);
    },
    async worker(prefix, { workflows, concurrency = 100 } = {}) {
      const args = [folder, ...(workflows ? [workflows] : [])];
      const started = await startWorkerProcess(room, { taskQueuePrefix: prefix, entry: ENTRY, args, concurrency });
      workers.push(started);
      return started;
    },
    async close() {
      await Promise.all(workers.map((each) => each.kill()));
      await room.close();
      await rm(folder, { recursive: true });
    },
  };
}
