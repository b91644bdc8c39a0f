/**
 * Work that may take too long or too much, or crash: in a process of its own, which is killed for it. The activity's thread sends heartbeats
 * meanwhile.
 *
 *   started ─► answered                      what went wrong in it comes back as an error
 *       └────► killed: late · too much memory · aborted        ended without an answer: out of memory, or crashed
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AppError } from "../errors.ts";
import { watchMemory } from "../watch-memory.ts";
import type { FailureCode } from "../../contract/failures.ts";
import type { Problem } from "../../contract/problem.ts";
import type { ApartTasks } from "./apart-main.ts";

export type ApartTask = {
  [Name in keyof ApartTasks]: { task: Name; input: Parameters<ApartTasks[Name]>[0] };
}[keyof ApartTasks];

/** What the process sends back. */
export type ApartAnswer =
  | { done: unknown }
  | { failed: { code: FailureCode; facts: Record<string, unknown>; problems: Problem[] } }
  | { broken: string };

export interface ApartLimits {
  /** Then it is killed. */
  seconds: number;
  /** V8's heap, megabytes. */
  heapMb: number;
  /** Megabytes of all its memory, natively allocated too; by default as much beside the heap as `NATIVE_MB`. Then it is killed. */
  memoryMb?: number;
  signal: AbortSignal;
  /** Of the process: it inherits nothing of ours, which holds secrets. */
  env?: Record<string, string>;
  /** Further flags of Node. */
  flags?: string[];
}

/** The process was killed for its time, or ended without an answer. */
export class ApartEnded extends Error {
  override name = "ApartEnded";
  readonly how: "late" | "memory" | "crashed";
  constructor(how: "late" | "memory" | "crashed", message: string) {
    super(message);
    this.how = how;
  }
}

/** What a process takes beside V8's heap: Node itself, Typst's pages, libvips's pixels, WebAssembly. */
const NATIVE_MB = 1_024;
const PROGRAM = fileURLToPath(new URL("apart-main.ts", import.meta.url));

/** Errors: those of the task (AppError), ApartEnded, and the signal's reason. */
export async function runApart<Name extends keyof ApartTasks>(
  order: { task: Name; input: Parameters<ApartTasks[Name]>[0] },
  limits: ApartLimits,
): Promise<Awaited<ReturnType<ApartTasks[Name]>>> {
  const { seconds, heapMb, memoryMb = heapMb + NATIVE_MB, signal, env = {}, flags = [] } = limits;
  signal.throwIfAborted();
  const child = fork(PROGRAM, {
    serialization: "advanced",
    execArgv: ["--disable-warning=ExperimentalWarning", `--max-old-space-size=${heapMb}`, ...flags],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { MALLOC_ARENA_MAX: "2", ...env },
  });
  let ended: ApartEnded | undefined;
  let last = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (last = (last + text).slice(-2_000)));
  const kill = (): void => void child.kill("SIGKILL");
  const end = (how: ApartEnded["how"], why: string): void => {
    ended ??= new ApartEnded(how, why);
    kill();
  };
  const timer = setTimeout(() => end("late", `it took longer than ${seconds} s`), seconds * 1_000);
  const unwatch = watchMemory(child.pid ?? 0, memoryMb, (used) =>
    end("memory", `it took ${used} MB of memory, more than ${memoryMb}`),
  );
  signal.addEventListener("abort", kill, { once: true });
  try {
    const answer = await new Promise<ApartAnswer>((resolve, reject) => {
      let answered: ApartAnswer | undefined;
      child.once("message", (message) => {
        answered = message as ApartAnswer;
        // It has nothing left to do; what it still holds open must not keep us waiting.
        kill();
      });
      child.once("error", reject);
      child.once("close", (code, killedBy) => {
        if (answered) return resolve(answered);
        if (ended) return reject(ended);
        const memory =
          killedBy === "SIGABRT" || killedBy === "SIGKILL" || code === 134 || /heap out of memory/.test(last);
        if (memory && !signal.aborted)
          return reject(new ApartEnded("memory", `it took more than ${heapMb} MB of memory`));
        return reject(new ApartEnded("crashed", `its process ended with ${killedBy ?? code}`));
      });
      child.send(order);
    });
    if ("done" in answer) return answer.done as Awaited<ReturnType<ApartTasks[Name]>>;
    if ("broken" in answer) throw new Error(answer.broken);
    const { code, facts, problems } = answer.failed;
    throw new AppError(code, facts, { problems });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    unwatch();
    signal.removeEventListener("abort", kill);
    kill();
  }
}
