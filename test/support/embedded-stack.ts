/** `npm start` without its bootstrap, as a process of a test. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StackFile } from "../../src/dev/stack-file.ts";

export interface StackProcess {
  pid: number;
  /** Everything it has printed so far. */
  output(): string;
  /** Resolves when `text` has been printed. Errors: it ended without, with what it printed. */
  until(text: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Its exit code, null after a signal. */
  ended: Promise<number | null>;
}

/** `folder`: where it keeps its state. */
export function runStack(folder: string, ...args: string[]): StackProcess {
  const program = fileURLToPath(new URL("../../src/dev/main.ts", import.meta.url));
  const child = spawn(process.execPath, [program, "--state", folder, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let look = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      look();
    });
  }
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    pid: child.pid!,
    output: () => output,
    async until(text) {
      const printed = new Promise<true>((resolve) => {
        look = () => output.includes(text) && resolve(true);
        look();
      });
      if ((await Promise.race([printed, ended])) !== true) throw new Error(`It ended without "${text}":\n${output}`);
    },
    signal: (signal) => void child.kill(signal),
    ended,
  };
}

export async function readStackFile(folder: string): Promise<StackFile> {
  return JSON.parse(await readFile(join(folder, "stack.json"), "utf8")) as StackFile;
}
