/** The bare worker as a process of its own, with the settings of the stack's worker; and the client that starts its workflows. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import pg from "pg";
import { v7 as uuidv7 } from "uuid";
import { configEnvironment } from "../../src/config.ts";
import { startChild } from "../../src/dev/child.ts";
import { insertBareJob, type BareJob } from "../bare/records.ts";
import type { BenchRoom } from "./bench.ts";
import type { SmallDraft } from "./small-drafts.ts";
import { untilRunning, type BenchStack } from "./stack.ts";

/** Resolves with its process id when it polls. */
export async function startBareWorker(
  room: BenchRoom,
  stack: BenchStack,
  options: { database: string; store: string },
): Promise<number> {
  const log = join(stack.logs, "bare-worker.log");
  const child = await startChild({
    name: "bare worker",
    command: process.execPath,
    args: [fileURLToPath(new URL("../bare/worker.ts", import.meta.url))],
    log,
    env: configEnvironment({
      PLATEN_DATABASE_URL: options.database,
      PLATEN_TEMPORAL_ADDRESS: stack.temporal,
      PLATEN_TEMPORAL_NAMESPACE: stack.namespace,
      PLATEN_STORE_FOLDER: options.store,
    }),
    stopSignal: "SIGTERM",
  });
  room.onEnd(() => child.stop(4_000));
  await untilRunning(log);
  return child.pid;
}

export interface BareClient {
  /** Inserts the job's row and starts its workflow; answers the workflow's id. */
  startPublish(draft: SmallDraft): Promise<string>;
  /** Five activities that do nothing, and no row. */
  startNothing(draft: SmallDraft): Promise<string>;
  untilCompleted(workflowId: string): Promise<unknown>;
}

export async function bareClient(
  room: BenchRoom,
  stack: BenchStack,
  options: { database: string; connections: number },
): Promise<BareClient> {
  const pool = new pg.Pool({ connectionString: options.database, max: options.connections });
  const connection = await Connection.connect({ address: stack.temporal });
  room.onEnd(async () => {
    await connection.close();
    await pool.end();
  });
  const { workflow } = new Client({ connection, namespace: stack.namespace });
  const start = async (name: string, job: BareJob): Promise<string> => {
    const workflowId = `${name}-${job.job_id}`;
    await workflow.start(name, { workflowId, taskQueue: "bare", args: [job] });
    return workflowId;
  };
  return {
    async startPublish(draft) {
      const job = { job_id: uuidv7(), draft };
      await insertBareJob(pool, job);
      return start("publishBare", job);
    },
    startNothing: (draft) => start("publishNothing", { job_id: uuidv7(), draft }),
    untilCompleted: (id) => workflow.getHandle(id).result(),
  };
}
