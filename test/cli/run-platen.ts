/** The real command line as a child process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Each line of stdout, parsed. */
  json(): Record<string, unknown>[];
}

export interface RunOptions {
  /** Added to an environment that names no server. */
  env?: Record<string, string>;
  cwd?: string;
  /** Presses Ctrl-C as soon as stdout holds this. */
  interruptAt?: string;
  /** Told each line of stdout as it comes. */
  onLine?: (line: string) => void;
}

/** Runs `platen …args` without a terminal until it ends. */
export async function runPlaten(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { PLATEN_SERVER: _server, PLATEN_API_KEY: _key, ...environment } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd ?? "/",
    env: { ...environment, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let seen = "";
  let interrupted = false;
  child.stdout.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
    if (interrupted || !options.interruptAt || !seen.includes(options.interruptAt)) return;
    // A second one would kill it, as it should.
    interrupted = child.kill("SIGINT");
  });
  if (options.onLine) createInterface({ input: child.stdout }).on("line", options.onLine);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  const json = (): Record<string, unknown>[] =>
    stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, stdout, stderr, json };
}
