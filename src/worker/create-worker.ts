/** One worker: workflows from the bundle, activities with everything they need. */
import { NativeConnection, Worker, type WorkflowBundleWithSourceMap } from "@temporalio/worker";
import { ensureSearchAttributes } from "../search-attributes.ts";
import { createTemporalClient, createExecutions, taskQueue } from "../temporal.ts";
import { createActivities } from "../../activities/index.ts";
import type { Config } from "../config.ts";
import { createDatabase } from "../db.ts";
import { createJobNotifier } from "../jobs/job-notifier.ts";
import { createProgressMirror } from "../jobs/progress-mirror.ts";
import type { Log } from "../log.ts";
import { createStores } from "../storage/stores.ts";
import type { Stores } from "../storage/object-store.ts";
import { buildBundle } from "./build-bundle.ts";
import { buildId, DEPLOYMENT } from "./build-id.ts";

export interface RunningWorker {
  worker: Worker;
  /** Resolves when the worker has stopped; rejects when it failed. */
  done: Promise<void>;
  /** Stops polling, waits for running activities (up to the grace time, then they are cancelled), writes what is waiting. */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  config: Config;
  log: Log;
  bundle?: WorkflowBundleWithSourceMap;
  stores?: Stores;
  /** 0 replays each workflow from its beginning at every task (tests of determinism). */
  maxCachedWorkflows?: number;
}

/** How long running activities may go on after a stop; the next worker resumes them from their heartbeats. */
const GRACE = "3 seconds";
/** Between two notifications of steps, logs and results, which watchers wait for (docs/performance.md, `notify-tax`). */
export const NOTIFY_TICK_MS = 10;

/** What decides how much a worker does at a time, and how fast; also for the bare worker that ours is measured against. */
export function workerSettings(config: Config) {
  return {
    namespace: config.PLATEN_TEMPORAL_NAMESPACE,
    maxConcurrentActivityTaskExecutions: config.PLATEN_WORKER_CONCURRENCY,
    // Heartbeats carry cancellation back: a click in the Web UI reaches an activity within this and the heartbeat's own way.
    maxHeartbeatThrottleInterval: "2 seconds",
    defaultHeartbeatThrottleInterval: "2 seconds",
    shutdownGraceTime: GRACE,
  } as const;
}

export async function startWorker({
  config,
  log,
  bundle,
  stores,
  maxCachedWorkflows,
}: WorkerOptions): Promise<RunningWorker> {
  const connection = await NativeConnection.connect({ address: config.PLATEN_TEMPORAL_ADDRESS });
  const client = createTemporalClient({
    address: config.PLATEN_TEMPORAL_ADDRESS,
    namespace: config.PLATEN_TEMPORAL_NAMESPACE,
  });
  await ensureSearchAttributes(client, log);
  const database = await createDatabase({ url: config.PLATEN_DATABASE_URL, pool: config.PLATEN_DATABASE_POOL });
  const notifier = createJobNotifier({ database, log, tickMs: NOTIFY_TICK_MS });
  const mirror = createProgressMirror({ database, log, tickMs: config.PLATEN_MIRROR_TICK_MS });
  const deps = {
    database,
    notifier,
    mirror,
    log,
    stores: stores ?? createStores({ folder: config.PLATEN_STORE_FOLDER }),
    executions: createExecutions(client, {
      taskQueuePrefix: config.PLATEN_TASK_QUEUE_PREFIX,
      publicUrl: config.PLATEN_PUBLIC_URL,
    }),
  };
  const worker = await Worker.create({
    ...workerSettings(config),
    connection,
    taskQueue: taskQueue("publish", config.PLATEN_TASK_QUEUE_PREFIX),
    workflowBundle: bundle ?? (await buildBundle()),
    activities: createActivities(deps),
    // Says in every history and on every poller which build it is; tasks flow to all builds as without it.
    workerDeploymentOptions: {
      version: { deploymentName: DEPLOYMENT, buildId: buildId(config) },
      useWorkerVersioning: false,
    },
    ...(maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows }),
  });
  const done = worker.run().finally(async () => {
    await mirror.stop();
    await notifier.stop();
    await database.close();
    await client.connection.close();
    await connection.close();
  });
  return {
    worker,
    done,
    async stop() {
      if (worker.getState() === "RUNNING") worker.shutdown();
      await done;
    },
  };
}
