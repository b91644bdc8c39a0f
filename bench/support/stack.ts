/** The stack that `npm start` runs, for a bench: the same processes, settings and durability, in a folder of the bench. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createStack } from "../../src/dev/stack.ts";
import type { StackFile } from "../../src/dev/stack-file.ts";
import type { BenchRoom } from "./bench.ts";

export interface BenchStack extends StackFile {
  /** Process ids of the two that are measured. */
  gateway_pid: number;
  worker_pid: number;
  /** Folder of the logs: gateway.log, worker.log, postgres.log, temporal.log. */
  logs: string;
}

const WORKER_MS = 60_000;

/** Resolves when gateway and worker are ready. It is stopped at the bench's end. */
export async function startStack(room: BenchRoom): Promise<BenchStack> {
  const folder = join(room.folder, "stack");
  const stack = createStack({ folder, tell: room.tell });
  room.onEnd(() => stack.stop());
  room.tell("starting PostgreSQL, Temporal, gateway and worker");
  const { file, failed } = await stack.start();
  void failed.then((reason) => room.tell(reason));
  const logs = join(folder, "logs");
  await untilRunning(join(logs, "worker.log"));
  const { gateway: gateway_pid, worker: worker_pid } = file.pids;
  if (!gateway_pid || !worker_pid) throw new Error("the stack does not tell the pids of gateway and worker");
  return { ...file, gateway_pid, worker_pid, logs };
}

/** A worker says so when it polls. */
export async function untilRunning(log: string): Promise<void> {
  const late = Date.now() + WORKER_MS;
  while (!(await readFile(log, "utf8").catch(() => "")).includes("worker is running")) {
    if (Date.now() > late) throw new Error(`no worker is running after ${WORKER_MS / 1_000} s, see ${log}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}
