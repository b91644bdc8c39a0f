/** A child process in a process group of its own, so that the terminal's Ctrl-C reaches only us and children stop in order. */
import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";

export interface Child {
  /** What messages call it, e.g. `gateway`. */
  name: string;
  pid: number;
  /** File with its stdout and stderr, appended to. */
  log: string;
  /** Where in it this process begins, in bytes: before it is what others wrote. */
  logFrom: number;
  /** Settles once, when the process has ended; says how, e.g. `exit code 1` or `SIGKILL`. Never rejects. */
  exited: Promise<string>;
  /** Asks it to end, after `graceMs` kills its whole group, and resolves when the process has ended. */
  stop(graceMs: number): Promise<void>;
}

export interface ChildOptions {
  name: string;
  command: string;
  args: string[];
  /** File for stdout and stderr. Files, not pipes: a child then outlives us without EPIPE and can be found and stopped. */
  log: string;
  /** The child's whole environment. */
  env: NodeJS.ProcessEnv;
  /** What asks it to end. */
  stopSignal: NodeJS.Signals;
}

/** How servers start their process: `startChild`, or one that also keeps account (`createChildren`). */
export type StartChild = (options: ChildOptions) => Promise<Child>;

/** Errors: the command cannot be run at all. A child that runs and fails settles `exited`. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const output = openSync(options.log, "a", 0o600);
  const logFrom = fstatSync(output).size;
  const child = spawn(options.command, options.args, {
    env: options.env,
    detached: true,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once("spawn", () => resolve(child.pid!));
    child.once("error", (cause) => reject(new Error(`Cannot run ${options.command}: ${cause.message}`, { cause })));
  });
  return {
    name: options.name,
    pid,
    ...{ log: options.log, logFrom },
    exited,
    async stop(graceMs) {
      const deadline = setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs);
      if (child.exitCode === null && child.signalCode === null) child.kill(options.stopSignal);
      await exited;
      clearTimeout(deadline);
    },
  };
}

/** Signals every process of the group that `pid` leads; false when there is none. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** The end of a log, from a byte of it on, for messages about a child that failed. Empty when it has none. */
export async function lastLines(log: string, from = 0, count = 15): Promise<string> {
  const bytes = await readFile(log).catch(() => Buffer.alloc(0));
  return bytes.subarray(from).toString().trimEnd().split("\n").slice(-count).join("\n");
}

/**
 * Asks `ready` every 50 ms until it is true. Errors: the child ended first, or `limitMs` passed; both with the log's end.
 * A server announces to nobody that it is ready: asking it is the only way.
 */
export async function untilReady(child: Child, limitMs: number, ready: () => Promise<boolean>): Promise<void> {
  let failure: string | null = null;
  void child.exited.then((how) => (failure ??= `ended (${how}) before it was ready`));
  const limit = setTimeout(() => (failure ??= `was not ready after ${limitMs / 1000} s`), limitMs);
  try {
    while (failure === null) {
      if (await ready()) return;
      await new Promise((next) => setTimeout(next, 50));
    }
  } finally {
    clearTimeout(limit);
  }
  throw new Error(`${child.name} ${failure}. The end of ${child.log}:\n${await lastLines(child.log, child.logFrom)}`);
}
