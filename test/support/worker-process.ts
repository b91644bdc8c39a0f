/** A worker as a process of its own, so that killing and freezing it is real. */
import { execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { configEnvironment } from "../../src/config.ts";
import type { Queue } from "../../contract/job-type-definition.ts";
import { queueName } from "../../src/temporal.ts";
import { until, type Publishing } from "./publishing.ts";

export interface WorkerProcess {
  pid: number;
  /** Everything it has logged: one JSON document a line. */
  log(): string;
  /** Resolves with its exit code, null after a signal. */
  ended: Promise<number | null>;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP; resolves when it stands still. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): void;
  /** SIGTERM, as a deployment does; resolves when it has drained. Answers the exit code. */
  stop(): Promise<number | null>;
}

export interface WorkerProcessOptions {
  /** Activities at a time. A worker that runs as many as it may polls for no more: frozen, it then swallows none. */
  concurrency?: number;
  /** Other than the room's: tasks that the room's workers never see. */
  taskQueuePrefix?: string;
  /** Task queues that it serves; all of them by default. */
  queues?: readonly Queue[];
  /** Path of another entry than the product's, for a worker in rigged surroundings. */
  entry?: string;
  /** Of that entry. */
  args?: string[];
  /** Path of a module that is loaded first, also into its threads. */
  preload?: string;
  /** Between two batches of the mirror. */
  mirrorTickMs?: number;
  /** Variables of its environment, over those of the room. */
  settings?: Record<string, string>;
}

/** Two seconds on a machine that does nothing else. */
const START_MS = 60_000;
const MAIN = fileURLToPath(new URL("../../src/worker/main.ts", import.meta.url));

/** Starts `src/worker/main.ts` and resolves when the server has its polls. Error: its log, when it ends before that. */
export async function startWorkerProcess(room: Publishing, options: WorkerProcessOptions = {}): Promise<WorkerProcess> {
  const prefix = options.taskQueuePrefix ?? room.config.PLATEN_TASK_QUEUE_PREFIX;
  const settings = Object.entries({
    ...room.config,
    PLATEN_LOG_LEVEL: "info",
    PLATEN_TASK_QUEUE_PREFIX: prefix,
    PLATEN_WORKER_CONCURRENCY: options.concurrency ?? 20,
    ...(options.queues ? { PLATEN_WORKER_QUEUES: options.queues.join(",") } : {}),
    PLATEN_MIRROR_TICK_MS: options.mirrorTickMs ?? room.config.PLATEN_MIRROR_TICK_MS,
  }).map(([name, value]) => [name, String(value)] as const);
  const child = spawn(
    process.execPath,
    [...(options.preload ? ["--import", options.preload] : []), options.entry ?? MAIN, ...(options.args ?? [])],
    {
      env: configEnvironment({ ...Object.fromEntries(settings), ...options.settings }),
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  void ended.then(() => process.off("exit", kill));
  const pid = child.pid ?? 0;

  const polling = async (): Promise<boolean> => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the worker ended:\n${log}`);
    return polls(room, queueName(options.queues?.[0] ?? "publish", prefix), pid);
  };
  await until(`worker ${pid} to poll`, polling, START_MS).catch((error: unknown) => {
    kill();
    throw error;
  });
  return {
    pid,
    log: () => log,
    ended,
    async kill() {
      kill();
      await ended;
    },
    async freeze() {
      child.kill("SIGSTOP");
      await until(`worker ${pid} to stand still`, async () => (await processState(pid)).startsWith("T"));
    },
    thaw: () => void child.kill("SIGCONT"),
    async stop() {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      return ended;
    },
  };
}

const WORKFLOW_TASKS = 1;
const ACTIVITY_TASKS = 2;

async function polls(room: Publishing, queue: string, pid: number): Promise<boolean> {
  const { client, namespace } = room.temporal;
  const kinds = [WORKFLOW_TASKS, ACTIVITY_TASKS].map(async (taskQueueType) => {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: queue },
      taskQueueType,
    });
    return pollers?.some(({ identity }) => identity?.startsWith(`${pid}@`)) ?? false;
  });
  return (await Promise.all(kinds)).every(Boolean);
}

async function processState(pid: number): Promise<string> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "state=", "-p", String(pid)]);
  return stdout.trim();
}
