/** A child process in a process group of its own, so that the terminal's Ctrl-C reaches only us and children stop in order. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";

export interface Child {
  /** What messages call it, e.g. `gateway`. */
  name: string;
  pid: number;
  /** File with its stdout and stderr, appended to. */
  log: string;
  /** Settles once, when the process has ended; says how, e.g. `exit code 1` or `SIGKILL`. Never rejects. */
  exited: Promise<string>;
  /** Sends `signal`, after `graceMs` SIGKILL to the whole group, and resolves when the process has ended. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
}

export interface ChildOptions {
  name: string;
  command: string;
  args: string[];
  /** File for stdout and stderr. Files, not pipes: a child then outlives us without EPIPE and can be found and stopped. */
  log: string;
  cwd?: string;
  /** The child's whole environment; ours when absent. */
  env?: NodeJS.ProcessEnv;
}

/** Errors: the command cannot be run at all. A child that runs and fails settles `exited`. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const output = openSync(options.log, "a", 0o600);
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
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
  // Whoever keeps the process alive does so on purpose; a forgotten child must not.
  child.unref();
  return {
    name: options.name,
    pid,
    log: options.log,
    exited,
    async stop(signal, graceMs) {
      const deadline = setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs);
      child.ref();
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
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

/** The end of a log, for messages about a child that failed. Empty when it has none. */
export async function lastLines(log: string, count = 15): Promise<string> {
  const text = await readFile(log, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/**
 * Asks `ready` every 50 ms until it is true. Errors: the child ended first, or `limitMs` passed; both with the log's end.
 * A server announces readiness to nobody: asking it is the only way.
 */
export async function untilReady(child: Child, limitMs: number, ready: () => Promise<boolean>): Promise<void> {
  const failure = Promise.race([
    child.exited.then((how) => `ended (${how}) before it was ready`),
    new Promise<string>((resolve) => setTimeout(resolve, limitMs, `was not ready after ${limitMs / 1000} s`).unref()),
  ]);
  for (;;) {
    const outcome = await Promise.race([failure, ready()]);
    if (outcome === true) return;
    const failed =
      outcome || (await Promise.race([failure, new Promise<false>((next) => setTimeout(next, 50, false))]));
    if (typeof failed === "string") {
      throw new Error(`${child.name} ${failed}. The end of ${child.log}:\n${await lastLines(child.log)}`);
    }
  }
}
