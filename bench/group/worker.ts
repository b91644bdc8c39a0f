/**
 * A worker of both sides: the product's groups and jobs that do nothing, wired as src/worker/create-worker.ts does, and the bare workflows.
 * Settings: PLATEN_ variables, as of the product's worker.
 */
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, NativeConnection, Worker } from "@temporalio/worker";
import pg from "pg";
import { createActivities } from "../../activities/index.ts";
import type { ActivityDeps } from "../../activities/activity-deps.ts";
import { inLastStep } from "../../activities/steps.ts";
import type { StepInput } from "../../contract/job-input.ts";
import { readConfig } from "../../src/config.ts";
import { createDatabase } from "../../src/db.ts";
import { createJobNotifier } from "../../src/jobs/job-notifier.ts";
import { createProgressMirror } from "../../src/jobs/progress-mirror.ts";
import { createLog } from "../../src/log.ts";
import { createStores } from "../../src/storage/stores.ts";
import { createExecutions, createTemporalClient } from "../../src/temporal.ts";
import { pictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import { ensureSearchAttributes } from "../../src/search-attributes.ts";
import { NOTIFY_TICK_MS, workerSettings } from "../../src/worker/create-worker.ts";

export interface BareMember {
  id: string;
}

const finishing = (deps: ActivityDeps) => ({
  finishNothing: (input: StepInput): Promise<object> =>
    inLastStep(deps, input, { name: "attach", begins: "Doing nothing" }, async () => ({
      ...{ message: "Nothing was done", result: {} },
    })),
});

/** A member's row is written when it begins and when it ends, each in a transaction of its own. */
const writing = (pool: pg.Pool) => ({
  async writeTwice({ id }: BareMember): Promise<string> {
    await pool.query(
      `update jobs set status = 'running', step = 'attach', started_at = now(), updated_at = now() where id = $1`,
      [id],
    );
    await pool.query(
      `update jobs set status = 'completed', progress = 100, completed_at = now(), updated_at = now() where id = $1`,
      [id],
    );
    return id;
  },
});

export type GroupBenchActivities = ReturnType<typeof finishing> & ReturnType<typeof writing>;

if (import.meta.main) {
  const config = readConfig();
  const log = createLog("bench worker", "warn");
  const { PLATEN_TEMPORAL_ADDRESS: address, PLATEN_TEMPORAL_NAMESPACE: namespace } = config;
  const database = await createDatabase({ url: config.PLATEN_DATABASE_URL, pool: config.PLATEN_DATABASE_POOL });
  const pool = new pg.Pool({ connectionString: config.PLATEN_DATABASE_URL, max: config.PLATEN_DATABASE_POOL });
  const client = createTemporalClient({ address, namespace });
  await ensureSearchAttributes(client, log);
  const deps: ActivityDeps = {
    ...{ config, database, log, stores: createStores({ folder: config.PLATEN_STORE_FOLDER }) },
    executions: createExecutions(client, { taskQueuePrefix: config.PLATEN_TASK_QUEUE_PREFIX }),
    notifier: createJobNotifier({ database, log, tickMs: NOTIFY_TICK_MS }),
    mirror: createProgressMirror({ database, log, tickMs: config.PLATEN_MIRROR_TICK_MS }),
    pictures: pictureSettings(config),
  };
  const activities = { ...createActivities(deps), ...finishing(deps), ...writing(pool) };
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
  });
  const connection = await NativeConnection.connect({ address });
  const workers: Worker[] = [];
  for (const taskQueue of ["publish", "render", "bare"])
    workers.push(
      await Worker.create({ ...workerSettings(config), ...{ connection, taskQueue, workflowBundle, activities } }),
    );
  console.error("worker is running");
  await Promise.all(workers.map((worker) => worker.run()));
}
