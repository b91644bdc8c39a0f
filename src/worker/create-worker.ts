/** One worker process: per task queue workflows from the bundle, and activities with everything they need. */
import { NativeConnection, type Worker, type WorkflowBundleWithSourceMap } from "@temporalio/worker";
import { ensureSearchAttributes } from "../search-attributes.ts";
import { QUEUES, type Queue } from "../../contract/job-type-definition.ts";
import { createTemporalClient, createExecutions, queueName } from "../temporal.ts";
import { createActivities } from "../../activities/index.ts";
import type { Config } from "../config.ts";
import { createDatabase } from "../db.ts";
import { createJobNotifier } from "../jobs/job-notifier.ts";
import { createProgressMirror } from "../jobs/progress-mirror.ts";
import type { Log } from "../log.ts";
import { createStores } from "../storage/stores.ts";
import type { Stores } from "../storage/object-store.ts";
import { pictureSettings } from "../tiles/cut/picture-settings.ts";
import { buildBundle } from "./build-bundle.ts";
import { buildId, DEPLOYMENT } from "./build-id.ts";
import { workersOfOneThread } from "./one-thread.ts";
import { queueSettings } from "./queue-settings.ts";

export interface RunningWorker {
  /** Task queues that it asks for work. */
  queues: readonly string[];
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

/** Between two notifications of steps, logs and results, which watchers wait for (docs/performance.md, `notify-tax`). */
export const NOTIFY_TICK_MS = 10;

/** What decides how much a worker does at a time, and how fast; also for the bare worker that ours is measured against. */
export function workerSettings(config: Config, queue: Queue = "publish") {
  const { concurrency, per_second, queue_per_second, grace_seconds } = queueSettings(config)[queue];
  return {
    namespace: config.PLATEN_TEMPORAL_NAMESPACE,
    maxConcurrentActivityTaskExecutions: concurrency,
    ...(per_second === null ? {} : { maxActivitiesPerSecond: per_second }),
    ...(queue_per_second === null ? {} : { maxTaskQueueActivitiesPerSecond: queue_per_second }),
    // Heartbeats carry cancellation back: a click in the Web UI reaches an activity within this and the heartbeat's own way.
    maxHeartbeatThrottleInterval: "2 seconds",
    defaultHeartbeatThrottleInterval: "2 seconds",
    shutdownGraceTime: `${grace_seconds} seconds`,
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
    config,
    database,
    notifier,
    mirror,
    log,
    pictures: pictureSettings(config),
    publicUrl: config.PLATEN_PUBLIC_URL,
    retention: {
      keepJobsDays: config.PLATEN_KEEP_JOBS_DAYS,
      keepLogsDays: config.PLATEN_KEEP_LOGS_DAYS,
      orphanGraceHours: config.PLATEN_ORPHAN_GRACE_HOURS,
    },
    stores: stores ?? createStores({ folder: config.PLATEN_STORE_FOLDER }),
    executions: createExecutions(client, {
      taskQueuePrefix: config.PLATEN_TASK_QUEUE_PREFIX,
      publicUrl: config.PLATEN_PUBLIC_URL,
    }),
  };
  const workflowBundle = bundle ?? (await buildBundle());
  const activities = createActivities(deps);
  const queues = queuesOf(config).map((queue) => ({ queue, name: queueName(queue, config.PLATEN_TASK_QUEUE_PREFIX) }));
  const OneThreadWorker = workersOfOneThread();
  const workers: Worker[] = [];
  for (const { queue, name: taskQueue } of queues) {
    workers.push(
      await OneThreadWorker.create({
        ...workerSettings(config, queue),
        ...{ connection, taskQueue, workflowBundle, activities },
        // Says in every history and on every poller which build it is; tasks flow to all builds as without it.
        workerDeploymentOptions: {
          version: { deploymentName: DEPLOYMENT, buildId: buildId(config) },
          useWorkerVersioning: false,
        },
        ...(maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows }),
      }),
    );
  }
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === "RUNNING") worker.shutdown();
  };
  const runs = workers.map((worker) => worker.run());
  // One that fails takes the others with it: half a worker would look well.
  for (const run of runs) void run.catch(shutdown);
  const done = Promise.all(runs)
    .then(
      () => undefined,
      async (error: unknown) => {
        await Promise.allSettled(runs);
        throw error;
      },
    )
    .finally(async () => {
      await mirror.stop();
      await notifier.stop();
      await database.close();
      await client.connection.close();
      await connection.close();
    });
  return {
    queues: queues.map(({ name }) => name),
    done,
    async stop() {
      shutdown();
      await done;
    },
  };
}

/** PLATEN_WORKER_QUEUES, or every queue. */
export function queuesOf({ PLATEN_WORKER_QUEUES }: Pick<Config, "PLATEN_WORKER_QUEUES">): readonly Queue[] {
  return PLATEN_WORKER_QUEUES ?? QUEUES;
}
