/**
 * A worker whose one activity does nothing but report, ten times a second, through the product's own step, reporter, mirror and
 * notifier, wired as src/worker/create-worker.ts does. Settings: PLATEN_ variables, as of the product's worker.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NativeConnection, Worker } from "@temporalio/worker";
import type { ActivityDeps } from "../../activities/activity-deps.ts";
import { inStep } from "../../activities/steps.ts";
import type { StepInput } from "../../contract/job-input.ts";
import { readConfig } from "../../src/config.ts";
import { createDatabase } from "../../src/db.ts";
import { createJobNotifier } from "../../src/jobs/job-notifier.ts";
import { pictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import { createProgressMirror } from "../../src/jobs/progress-mirror.ts";
import { createLog } from "../../src/log.ts";
import { createStores } from "../../src/storage/stores.ts";
import { createExecutions, createTemporalClient } from "../../src/temporal.ts";
import { NOTIFY_TICK_MS, workerSettings } from "../../src/worker/create-worker.ts";

const REPORT_MS = 100;

function createReportingActivities(deps: ActivityDeps) {
  return {
    /** Until it is cancelled. */
    reportOn: (input: StepInput): Promise<void> =>
      inStep(deps, input, { name: "upload", begins: "reporting" }, async ({ report, signal }) => {
        for (let count = 1; ; count += 1) {
          report((count % 1_000) / 1_000, `${count} of many tiles uploaded`, {
            index: count,
            uploaded: count,
            reused: 0,
          });
          await delay(REPORT_MS, undefined, { signal });
        }
      }),
  };
}

export type ReportingActivities = ReturnType<typeof createReportingActivities>;

if (import.meta.main) {
  const config = readConfig();
  const log = createLog("bench worker", "warn");
  const { PLATEN_TEMPORAL_ADDRESS: address, PLATEN_TEMPORAL_NAMESPACE: namespace } = config;
  const database = await createDatabase({ url: config.PLATEN_DATABASE_URL, pool: config.PLATEN_DATABASE_POOL });
  const client = createTemporalClient({ address, namespace });
  const activities = createReportingActivities({
    ...{ config, database, log, stores: createStores({ folder: config.PLATEN_STORE_FOLDER }) },
    executions: createExecutions(client, { taskQueuePrefix: config.PLATEN_TASK_QUEUE_PREFIX }),
    notifier: createJobNotifier({ database, log, tickMs: NOTIFY_TICK_MS }),
    mirror: createProgressMirror({ database, log, tickMs: config.PLATEN_MIRROR_TICK_MS }),
    pictures: pictureSettings(config),
  });
  const worker = await Worker.create({
    ...workerSettings(config),
    connection: await NativeConnection.connect({ address }),
    taskQueue: "reporting",
    workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
    activities,
  });
  console.error("worker is running");
  await worker.run();
}
