/**
 * A worker of the product's settings whose jobs take as long as it is told. Those that came while it is closed stand in its slots until it
 * is opened.
 *
 *   worker.ts TEMPORAL      answers `close`, `open`, and `begun`: when each job's activity began, ms of the machine's monotonic clock
 */
import { setTimeout as delay } from "node:timers/promises";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { NativeConnection, Worker } from "@temporalio/worker";
import type { StepInput } from "../../contract/job-input.ts";
import { readConfig } from "../../src/config.ts";
import { taskQueue } from "../../src/temporal.ts";
import { workerSettings } from "../../src/worker/create-worker.ts";
import { answerQuestions } from "../support/answer-questions.ts";
import { monotonicMs } from "../support/clock.ts";

const [, , address = "", jobMs = ""] = argv;
const config = readConfig({ PLATEN_DATABASE_URL: "postgres://none", PLATEN_WORKER_CONCURRENCY: "20" });
const settings = workerSettings(config, "maintenance");
const begun = new Map<string, number>();
let gate = Promise.resolve();
let opened = (): void => {};

const worker = await Worker.create({
  ...settings,
  connection: await NativeConnection.connect({ address }),
  taskQueue: taskQueue("maintenance", config.PLATEN_TASK_QUEUE_PREFIX),
  workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
  activities: {
    async sweep({ job }: StepInput) {
      begun.set(job.job_id, monotonicMs());
      await gate;
      await delay(Number(jobMs));
    },
  },
});
answerQuestions({
  slots: () => settings.maxConcurrentActivityTaskExecutions,
  close() {
    const { promise, resolve } = Promise.withResolvers<void>();
    [gate, opened] = [promise, resolve];
  },
  open: () => opened(),
  begun: () => begun,
});
await worker.run();
