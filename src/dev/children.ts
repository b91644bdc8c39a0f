/**
 * The children of one run. Each is noted in a file the moment it runs: when we are killed with `kill -9`, the next run
 * finds and ends what is left.
 */
import { appendFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { signalGroup, startChild, type Child, type StartChild } from "./child.ts";
import { identify } from "../process-identity.ts";

export interface Children {
  /** Errors: `stop` was called before. */
  start: StartChild;
  /** Those that run now. */
  running(): Child[];
  /**
   * Ends them all, also one whose start is still under way: the groups of names one after the other, those of a group
   * together, and what no group names at the end. A child that outlives its group's `graceMs` is killed.
   */
  stop(groups: readonly { names: readonly string[]; graceMs: number }[]): Promise<void>;
  /** Kills them all, now. */
  kill(): void;
}

interface Noted {
  name: string;
  pid: number;
  identity: string;
  signal: NodeJS.Signals;
}

const notes = (folder: string): string => join(folder, "processes.ndjson");

/** `folder`: where the notes are kept. Call `endLeftovers` before. */
export function createChildren(folder: string): Children {
  const running = new Set<Child>();
  const starting = new Set<Promise<Child>>();
  let stopping = false;

  const start: StartChild = async (options) => {
    const child = await startChild(options);
    running.add(child);
    void child.exited.then(() => running.delete(child));
    const identity = await identify(child.pid);
    if (identity !== null) {
      const note: Noted = { name: child.name, pid: child.pid, identity, signal: options.stopSignal };
      appendFileSync(notes(folder), `${JSON.stringify(note)}\n`);
    }
    return child;
  };

  return {
    async start(options) {
      if (stopping) throw new Error(`${options.name} is not started: everything is being stopped`);
      const started = start(options);
      starting.add(started);
      return started.finally(() => starting.delete(started));
    },
    running: () => [...running],
    async stop(groups) {
      stopping = true;
      await Promise.allSettled(starting);
      for (const { names, graceMs } of groups) {
        await Promise.all([...running].filter(({ name }) => names.includes(name)).map((child) => child.stop(graceMs)));
      }
      await Promise.all([...running].map((child) => child.stop(1_000)));
      await rm(notes(folder), { force: true });
    },
    kill() {
      stopping = true;
      for (const child of running) signalGroup(child.pid, "SIGKILL");
    },
  };
}

/** Ends what a killed run left behind, the last started first; returns their names. Does nothing to a process that only got an old pid. */
export async function endLeftovers(folder: string): Promise<string[]> {
  const text = await readFile(notes(folder), "utf8").catch(() => "");
  const ended: string[] = [];
  for (const line of text.split("\n").filter(Boolean).toReversed()) {
    const noted = parse(line);
    if (!noted || (await identify(noted.pid)) !== noted.identity) continue;
    await end(noted);
    ended.push(noted.name);
  }
  await rm(notes(folder), { force: true });
  return ended;
}

/** They are nobody's children any more, so their end can only be looked for. */
async function end(noted: Noted): Promise<void> {
  process.kill(noted.pid, noted.signal);
  const deadline = Date.now() + 4_000;
  while ((await identify(noted.pid)) === noted.identity) {
    if (Date.now() > deadline) signalGroup(noted.pid, "SIGKILL");
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** Null for a line that was cut off by the crash. */
function parse(line: string): Noted | null {
  try {
    return JSON.parse(line) as Noted;
  } catch {
    return null;
  }
}
