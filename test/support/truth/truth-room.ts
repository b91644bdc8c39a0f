/** A whole installation of its own, each part a process: what an operator presses is pressed in it. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createExecutions } from "../../../src/temporal.ts";
import { createApiKey } from "../../../src/tenants/tenant-store.ts";
import { startJob } from "../../../src/jobs/protocol/start.ts";
import { startGatewayProcess } from "../gateway-process.ts";
import type { startOwnTemporal } from "../own-servers.ts";
import { createPublishing, type Publishing } from "../publishing.ts";
import { createRigs, type Rigs } from "../rigs.ts";
import type { TestDatabase } from "../database.ts";
import { startWorkerProcess, type WorkerProcess } from "../worker-process.ts";

export interface Timeouts {
  workflowExecutionTimeout?: number;
  workflowRunTimeout?: number;
}

export interface TruthRoom extends Publishing {
  /** Of the gateway. */
  url: string;
  /** Of an admin. */
  key: string;
  rigs: Rigs;
  server: Awaited<ReturnType<typeof startOwnTemporal>>;
  /** Starts the workflow of a queued job. `prefix`: of another task queue than the room's worker has. Timeouts in ms. */
  start(job: string, options?: { prefix?: string; timeouts?: Timeouts }): Promise<void>;
  /** On a queue of its own. `workflows`: path of what it runs instead of the product's. */
  worker(prefix: string, options?: { workflows?: string; concurrency?: number }): Promise<WorkerProcess>;
}

const ENTRY = fileURLToPath(new URL("../rigged-worker.ts", import.meta.url));

/** A prefix that no other worker has. */
export const newPrefix = (): string => `truth-${randomBytes(6).toString("hex")}-`;

/** Gateway and one worker run when it resolves. The servers are closed with it. */
export async function createTruthRoom(servers: {
  temporal: TruthRoom["server"];
  database?: TestDatabase;
}): Promise<TruthRoom> {
  const room = await createPublishing(servers);
  const folder = await mkdtemp(join(tmpdir(), "platen-rigs-"));
  const workers: WorkerProcess[] = [];
  const worker: TruthRoom["worker"] = async (prefix, { workflows, concurrency = 100 } = {}) => {
    const args = [folder, ...(workflows ? [workflows] : [])];
    const started = await startWorkerProcess(room, { taskQueuePrefix: prefix, entry: ENTRY, args, concurrency });
    workers.push(started);
    return started;
  };
  const { tenant_id, id: principal_id } = room.principal;
  const { key } = await createApiKey(room.database.em.fork(), { tenant_id, principal_id, role: "admin" });
  const [gateway] = await Promise.all([startGatewayProcess(room), worker(room.config.PLATEN_TASK_QUEUE_PREFIX)]);
  return {
    ...{ ...room, url: gateway.url, key, rigs: createRigs(folder), server: servers.temporal, worker },
    async start(job, { prefix = room.config.PLATEN_TASK_QUEUE_PREFIX, timeouts = {} } = {}) {
      const { client } = room.temporal;
      const start: typeof client.workflow.start = (workflow, options) =>
        client.workflow.start(workflow, { ...options, ...timeouts });
      const workflow = Object.create(client.workflow, { start: { value: start } }) as typeof client.workflow;
      const timed = Object.create(client, { workflow: { value: workflow } }) as typeof client;
      await startJob({ ...room.deps, executions: createExecutions(timed, { taskQueuePrefix: prefix }) }, job, 1);
    },
    async close() {
      await Promise.all([gateway.end("SIGTERM"), ...workers.map((each) => each.kill())]);
      await room.close();
      await rm(folder, { recursive: true });
    },
  };
}
