/** A process of the bench's own that is asked questions: what is measured, and what measures, must not share a thread. */
import { fork } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lastLines } from "../../src/dev/child.ts";
import type { BenchRoom } from "./bench.ts";
import type { Answer, Question } from "./answer-questions.ts";

export interface BenchProcess {
  pid: number;
  /** Errors: what the process answered with, or that it ended, with the end of its log. */
  ask<T = void>(kind: string, value?: unknown): Promise<T>;
}

export interface BenchProcessOptions {
  /** Names its log, too. */
  name: string;
  /** Program, relative to bench/. It answers by `answerQuestions`. */
  program: string;
  args?: string[];
  /** For Node. */
  flags?: readonly string[];
  env?: NodeJS.ProcessEnv;
}

const GRACE_MS = 2_000;

/** It is ended at the bench's end, and ends by itself when the bench dies. */
export function startProcess(room: BenchRoom, options: BenchProcessOptions): BenchProcess {
  const log = join(room.folder, `${options.name.replaceAll(" ", "-")}.log`);
  const output = openSync(log, "a");
  const child = fork(fileURLToPath(new URL(`../${options.program}`, import.meta.url)), options.args ?? [], {
    execArgv: [...(options.flags ?? [])],
    env: { ...process.env, ...options.env },
    // A session of its own, as the stack's processes have: Linux shares the cores out among sessions first.
    detached: true,
    // Typed arrays travel as they are.
    serialization: "advanced",
    stdio: ["ignore", output, output, "ipc"],
  });
  closeSync(output);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  let over = false;
  child.on("message", ({ number, answer, error }: Answer) => {
    const one = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) one?.resolve(answer);
    else one?.reject(new Error(`${options.name}: ${error}`));
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      over = true;
      resolve();
      for (const one of waiting.values())
        void lastLines(log).then((lines) =>
          one.reject(
            new Error(`${options.name} ended (${signal ?? `exit code ${code}`}). The end of ${log}:\n${lines}`),
          ),
        );
    });
  });
  room.onEnd(async () => {
    if (over) return;
    const late = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    child.kill("SIGTERM");
    await exited;
    clearTimeout(late);
  });
  return {
    pid: child.pid!,
    ask<T>(kind: string, value?: unknown) {
      const number = (asked += 1);
      const one = Promise.withResolvers<unknown>();
      waiting.set(number, one);
      if (over) one.reject(new Error(`${options.name} has ended`));
      else child.send({ number, kind, value } satisfies Question);
      return one.promise as Promise<T>;
    },
  };
}
