/** Process entry of a worker: `npm run worker`. */
import { DefaultLogger, Runtime, type LogEntry } from "@temporalio/worker";
import { readConfig } from "../config.ts";
import { createLog, type Log } from "../log.ts";
import { reasonOf } from "../errors.ts";
import { sweepStores } from "../storage/stores.ts";
import { pictureSettings } from "../tiles/cut/picture-settings.ts";
import { sweepScratch } from "../tiles/cut/scratch.ts";
import { buildBundleApart } from "./build-bundle.ts";
import { queuesOf, startWorker } from "./create-worker.ts";
import { queueSettings, stopSeconds } from "./queue-settings.ts";

/** Temporal's own log lines go where ours go. SIGTERM and SIGINT drain the worker by Temporal's runtime. */
function installRuntime(log: Log): void {
  const levels = { TRACE: "trace", DEBUG: "debug", INFO: "info", WARN: "warn", ERROR: "error" } as const;
  const logger = new DefaultLogger("INFO", (entry: LogEntry) =>
    log[levels[entry.level]](entry.meta ?? {}, entry.message),
  );
  Runtime.install({ logger, shutdownSignals: ["SIGTERM", "SIGINT"] });
}

function endInTime(log: Log, seconds: number): void {
  const late = (): never => {
    log.warn("the worker ends without having drained: Temporal cannot be reached, or an activity does not stop");
    process.exit(1);
  };
  setTimeout(late, seconds * 1_000).unref();
}

const config = readConfig();
const log = createLog("worker", config.PLATEN_LOG_LEVEL);
installRuntime(log);
const stopping = stopSeconds(queueSettings(config), queuesOf(config));
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => endInTime(log, stopping));
try {
  const running = await startWorker({ config, log, bundle: await buildBundleApart() });
  log.info({ task_queues: running.queues, temporal: config.PLATEN_TEMPORAL_ADDRESS }, "worker is running");
  void sweepStores({ folder: config.PLATEN_STORE_FOLDER, log });
  void sweepScratch(pictureSettings(config).scratch).catch((error: unknown) => {
    log.warn({ error }, "cannot remove what killed workers left in the scratch folder");
  });
  await running.done;
  log.info("worker has stopped");
} catch (error) {
  log.fatal({ error }, `the worker cannot run: ${reasonOf(error)}`);
  process.exitCode = 1;
}
